-- One row per flight, cancelled ones included, with what is known when it is scheduled to leave.
-- Actual times (dep_time, dep_delay, arr_time, air_time) stay out: they are known only afterwards. The weather is that of
-- the hour before, because the record of an hour covers all of it (its precipitation is the sum up to minute 51).
-- Minute of day and weekday are New York's, as in the timetable; scheduled_at is UTC.
WITH timetable AS (
    SELECT
        make_date(year, month, day) AS departure_date,
        carrier,
        flight,
        origin,
        dest,
        distance,
        hour * 60 + minute AS departure_minute,
        sched_dep_time,
        CAST(time_hour AS TIMESTAMP) AS departure_hour,
        CAST(CAST(minute AS VARCHAR) || ' minutes' AS INTERVAL) AS past_the_hour,
        arr_delay > 15 AS late,
        COUNT(*) OVER (PARTITION BY origin, time_hour) AS origin_departures,
        COUNT(*) OVER (PARTITION BY time_hour) AS city_departures,
        COUNT(*) OVER (PARTITION BY dest, time_hour) AS dest_departures
    FROM flights
),
observed AS (
    SELECT
        origin,
        CAST(time_hour AS TIMESTAMP) + INTERVAL '1 hour' AS known_at,
        temp,
        dewp,
        humid,
        wind_dir,
        wind_speed,
        wind_gust,
        precip,
        pressure,
        visib
    FROM weather
)
SELECT
    CAST(t.departure_date AS VARCHAR) || '-' || t.carrier || CAST(t.flight AS VARCHAR)
        || '-' || t.origin || '-' || lpad(CAST(t.sched_dep_time AS VARCHAR), 4, '0') AS flight_id,
    t.departure_hour + t.past_the_hour AS scheduled_at,
    t.departure_minute,
    CAST(date_part('dow', t.departure_date) AS INTEGER) AS weekday,
    t.carrier,
    t.origin,
    t.dest,
    t.distance,
    t.origin_departures,
    t.city_departures,
    t.dest_departures,
    w.temp,
    w.dewp,
    w.humid,
    w.wind_dir,
    w.wind_speed,
    w.wind_gust,
    w.precip,
    w.pressure,
    w.visib,
    t.late
FROM timetable AS t
LEFT JOIN observed AS w
    ON w.origin = t.origin AND w.known_at = t.departure_hour
