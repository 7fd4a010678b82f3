//! A connection to PostgreSQL.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use flyball_core::{Error, ErrorCode, Result};
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};

use super::cells::{Cell, Cells, Reader, Source};
use super::connection::Access;
use super::failure::{from_postgres, is_loss};
use super::values::Values;
use super::{Param, numeric};

/// How many prepared statements a connection keeps before it starts anew.
const STATEMENTS_KEPT: usize = 512;

/// The advisory lock that gives the turn to write to one process at a time. Any constant of ours does.
const WRITE_LOCK: i64 = 0x666c_7962_616c_6c01;

pub(crate) struct PostgresConnection {
    client: Client,
    statements: HashMap<String, Statement>,
    /// Whether an answer said that the connection is gone; the client itself notices that a moment later.
    lost: bool,
}

impl PostgresConnection {
    pub(crate) fn open(url: &str) -> Result<Self> {
        let mut config: Config = url.parse().map_err(|error: postgres::Error| {
            // The cause quotes parts of the URL, so it is not kept: the URL may hold a password.
            drop(error);
            Error::invalid("the PostgreSQL URL cannot be understood")
                .hint("write postgres://USER:PASSWORD@HOST:PORT/DATABASE")
        })?;
        config.application_name("flyball");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let client = config.connect(NoTls).map_err(|error| {
            Error::new(ErrorCode::Unavailable, "the PostgreSQL server cannot be reached")
                .hint("check the address, the user and the database in the URL")
                .cause(error)
        })?;
        Ok(Self { client, statements: HashMap::new(), lost: false })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    /// What an error of the server means, after taking note of a lost connection.
    fn failed(&mut self, error: postgres::Error) -> Error {
        self.lost |= is_loss(&error);
        from_postgres(error)
    }

    pub(crate) fn begin(&mut self, access: Access) -> Result<()> {
        match access {
            Access::Read => self.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            // Read committed, so that the first statement after the lock sees what the holder before us committed.
            Access::Write => {
                self.batch(&format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITE_LOCK})"))
            }
        }
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| self.failed(error))
    }

    pub(crate) fn execute(&mut self, sql: &str, params: Values<'_>) -> Result<u64> {
        let statement = self.prepare(sql, params)?;
        self.client.execute(&statement, &as_dynamic(params)).map_err(|error| self.failed(error))
    }

    /// Hands on each row of the answer.
    pub(crate) fn for_each(&mut self, sql: &str, params: Values<'_>, each: &mut Reader<'_>) -> Result<()> {
        let statement = self.prepare(sql, params)?;
        let lost = &mut self.lost;
        let mut failed = |error: postgres::Error| {
            *lost |= is_loss(&error);
            from_postgres(error)
        };
        let mut rows = self.client.query_raw(&statement, params.iter()).map_err(&mut failed)?;
        while let Some(row) = rows.next().map_err(&mut failed)? {
            each(&Cells(&row))?;
        }
        Ok(())
    }

    fn prepare(&mut self, sql: &str, params: Values<'_>) -> Result<Statement> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(sql).map_err(|error| self.failed(error))?;
                if self.statements.len() >= STATEMENTS_KEPT {
                    self.statements.clear();
                }
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let wanted = statement.params().len();
        if wanted != params.len() {
            return Err(Error::internal(format!("{} values for {wanted} parameters", params.len())));
        }
        Ok(statement)
    }
}

fn as_dynamic(params: Values<'_>) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as _).collect()
}

impl ToSql for Param {
    /// Writes the value as the type that the server inferred for the parameter.
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match (self, wanted) {
            (Param::Null, _) => return Ok(IsNull::Yes),
            (Param::Int(value), &Type::INT8) => out.put_i64(*value),
            (Param::Int(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Param::Int(value), &Type::BOOL) => out.put_u8(u8::from(*value != 0)),
            (Param::Int(value), &Type::FLOAT8) => out.put_f64(*value as f64),
            (Param::Float(value), &Type::FLOAT8) => out.put_f64(*value),
            (Param::Text(value), &Type::TEXT | &Type::VARCHAR) => out.put_slice(value.as_bytes()),
            (Param::Bytes(value), &Type::BYTEA) => out.put_slice(value),
            _ => return Err(format!("a parameter of type {wanted} was given another kind of value").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(wanted: &Type) -> bool {
        use Type as T;
        [T::INT4, T::INT8, T::FLOAT8, T::TEXT, T::VARCHAR, T::BYTEA, T::BOOL].contains(wanted)
    }

    to_sql_checked!();
}

impl Source for postgres::Row {
    fn names(&self) -> Vec<String> {
        self.columns().iter().map(|column| column.name().to_owned()).collect()
    }

    fn cell(&self, place: usize) -> Result<Cell<'_>> {
        self.try_get::<_, Received<'_>>(place).map(|value| value.0).map_err(from_postgres)
    }
}

/// A value of an answer.
struct Received<'a>(Cell<'a>);

impl<'a> FromSql<'a> for Received<'a> {
    fn from_sql(given: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Received(match *given {
            Type::INT8 => Cell::Int(i64::from_sql(given, raw)?),
            Type::INT4 => Cell::Int(i32::from_sql(given, raw)?.into()),
            Type::BOOL => Cell::Int(bool::from_sql(given, raw)?.into()),
            Type::FLOAT8 => Cell::Float(f64::from_sql(given, raw)?),
            Type::NUMERIC => numeric::read(raw).ok_or("a malformed NUMERIC")?,
            Type::BYTEA => Cell::Bytes(raw),
            _ => Cell::Text(<&str>::from_sql(given, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Received(Cell::Null))
    }

    fn accepts(given: &Type) -> bool {
        use Type as T;
        [T::INT8, T::INT4, T::BOOL, T::FLOAT8, T::NUMERIC, T::BYTEA, T::TEXT, T::VARCHAR, T::NAME].contains(given)
    }
}
