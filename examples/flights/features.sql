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
        time_hour
    FROM flights
),
origin_traffic AS (
    SELECT origin, time_hour, COUNT(*) AS departures FROM flights GROUP BY origin, time_hour
),
city_traffic AS (
    SELECT time_hour, COUNT(*) AS departures FROM flights GROUP BY time_hour
),
dest_traffic AS (
    SELECT dest, time_hour, COUNT(*) AS departures FROM flights GROUP BY dest, time_hour
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
    o.departures AS origin_departures,
    c.departures AS city_departures,
    d.departures AS dest_departures,
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
JOIN origin_traffic AS o ON o.origin = t.origin AND o.time_hour = t.time_hour
JOIN city_traffic AS c ON c.time_hour = t.time_hour
JOIN dest_traffic AS d ON d.dest = t.dest AND d.time_hour = t.time_hour
LEFT JOIN observed AS w
    ON w.origin = t.origin AND w.known_at = t.departure_hour
