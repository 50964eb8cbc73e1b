//! Transactions, as far as a read-only door has them: what was set in one is taken back when it fails, portals live
//! as long as it does, and once it has failed nothing runs in it any more.

use pgwire::messages::response::TransactionStatus;

use super::connection::Connection;
use super::parse::{Kind, Scope, TransactionModes};
use super::sqlstate::SqlError;
use crate::session::Transaction as SessionTransaction;

/// Most savepoints of a transaction.
const SAVEPOINTS_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// No transaction but the one around each statement, or around all of one message.
    #[default]
    Idle,
    /// Begun by the client.
    Open,
    /// Begun by the client, and a statement in it failed.
    Failed,
}

/// Where a client is with its transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    state: State,
    /// Whether the statements of one message, of which there are several, are a transaction of their own.
    implicit_block: bool,
    /// The names of the savepoints, oldest first; a name may be there several times.
    savepoints: Vec<String>,
}

impl Transaction {
    /// As ReadyForQuery tells it.
    pub fn status(&self) -> TransactionStatus {
        match self.state {
            State::Idle => TransactionStatus::Idle,
            State::Open => TransactionStatus::Transaction,
            State::Failed => TransactionStatus::Error,
        }
    }

    /// Whether the client has begun a transaction and not ended it.
    pub fn is_open(&self) -> bool {
        self.state != State::Idle
    }

    /// Whether a statement is one of several of a transaction.
    pub fn is_block(&self) -> bool {
        self.is_open() || self.implicit_block
    }

    /// Says whether several statements of one message are carried out.
    pub fn set_implicit_block(&mut self, is_one: bool) {
        self.implicit_block = is_one;
    }

    /// How many savepoints there are.
    pub fn savepoints(&self) -> usize {
        self.savepoints.len()
    }

    /// A statement failed.
    pub fn fail(&mut self) {
        if self.state == State::Open {
            self.state = State::Failed;
        }
    }

    /// Whether a statement may run now. `ends` says that it is one that ends a failed transaction.
    ///
    /// # Errors
    /// 25P02 in a failed transaction, for all that does not end it.
    pub fn admit(&self, ends: bool) -> Result<(), SqlError> {
        if self.state == State::Failed && !ends {
            let message =
                "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::new("25P02", message));
        }
        Ok(())
    }

    fn position(&self, savepoint: &str) -> Result<usize, SqlError> {
        let position = self.savepoints.iter().rposition(|name| name == savepoint);
        position.ok_or_else(|| {
            SqlError::new("3B001", format!("savepoint \"{savepoint}\" does not exist"))
        })
    }
}

/// Whether a statement ends the failure of a transaction.
pub(super) fn ends_failure(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Commit { .. } | Kind::Rollback { .. } | Kind::RollbackTo(_)
    )
}

/// The statement may only stand inside of a transaction.
fn only_inside(what: &str) -> SqlError {
    let message = format!("{what} can only be used in transaction blocks");
    SqlError::new("25P01", message)
}

impl Connection {
    /// BEGIN.
    pub fn begin(&mut self, modes: &TransactionModes) -> Result<(), SqlError> {
        if self.transaction.is_open() {
            self.warn("25001", "there is already a transaction in progress");
        }
        self.settings.begin();
        self.settings.set_transaction(modes, false)?;
        self.enter(State::Open);
        Ok(())
    }

    /// COMMIT; the tag says what came of it.
    pub fn commit(&mut self, chain: bool) -> Result<&'static str, SqlError> {
        match self.transaction.state {
            State::Idle if chain => return Err(only_inside("COMMIT AND CHAIN")),
            State::Idle => self.warn("25P01", "there is no transaction in progress"),
            State::Failed => {
                self.roll_back(chain)?;
                return Ok("ROLLBACK");
            }
            State::Open => {}
        }
        let modes = self.modes();
        self.settings.commit();
        self.hold_portals();
        self.end_transaction(chain, &modes)?;
        Ok("COMMIT")
    }

    /// ROLLBACK.
    pub fn roll_back(&mut self, chain: bool) -> Result<(), SqlError> {
        if !self.transaction.is_open() {
            if chain {
                return Err(only_inside("ROLLBACK AND CHAIN"));
            }
            self.warn("25P01", "there is no transaction in progress");
        }
        let modes = self.modes();
        self.settings.rollback();
        self.drop_portals();
        self.end_transaction(chain, &modes)
    }

    /// What AND CHAIN hands on to the next transaction.
    fn modes(&self) -> String {
        self.settings.text("transaction_isolation").to_owned()
    }

    fn end_transaction(&mut self, chain: bool, isolation: &str) -> Result<(), SqlError> {
        self.transaction.savepoints.clear();
        self.enter(State::Idle);
        if chain {
            self.settings.begin();
            let isolation = [isolation.to_owned()];
            self.settings
                .set("transaction_isolation", &isolation, Scope::Local)?;
            self.enter(State::Open);
        }
        Ok(())
    }

    /// Tells the session's row where its transaction is.
    pub fn show_transaction(&self) {
        let transaction = match self.transaction.state {
            State::Idle => SessionTransaction::None,
            State::Open => SessionTransaction::Open,
            State::Failed => SessionTransaction::Failed,
        };
        self.wire.guard.set_transaction(transaction);
    }

    fn enter(&mut self, state: State) {
        self.transaction.state = state;
        self.show_transaction();
    }

    /// SAVEPOINT.
    pub fn savepoint(&mut self, name: &str) -> Result<(), SqlError> {
        if !self.transaction.is_open() {
            return Err(only_inside("SAVEPOINT"));
        }
        if self.transaction.savepoints.len() >= SAVEPOINTS_MAX {
            let message = format!("a transaction can have at most {SAVEPOINTS_MAX} savepoints");
            return Err(SqlError::new("54000", message));
        }
        self.transaction.savepoints.push(name.to_owned());
        self.settings.savepoint();
        Ok(())
    }

    /// RELEASE SAVEPOINT.
    pub fn release(&mut self, name: &str) -> Result<(), SqlError> {
        if !self.transaction.is_open() {
            return Err(only_inside("RELEASE SAVEPOINT"));
        }
        let position = self.transaction.position(name)?;
        self.transaction.savepoints.truncate(position);
        self.settings.release(position);
        self.keep_portals_behind(position);
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT, the way out of a failed transaction that does not end it.
    pub fn roll_back_to(&mut self, name: &str) -> Result<(), SqlError> {
        if !self.transaction.is_open() {
            return Err(only_inside("ROLLBACK TO SAVEPOINT"));
        }
        let position = self.transaction.position(name)?;
        self.transaction.savepoints.truncate(position + 1);
        self.settings.rollback_to(position);
        self.drop_portals_behind(position);
        self.enter(State::Open);
        Ok(())
    }
}
