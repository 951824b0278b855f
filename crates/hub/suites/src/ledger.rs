//! A small fold to test stores with: accounts that hold coins, and notes that name a payload.

use std::collections::BTreeMap;

use ironroot_journal::{Entry, SALT_SIZE, SaltedDigest};
use ironroot_store::{ApplyError, Change, Draft, Payload, Projection, Rows, Table};
use serde_json::{Map, Value, json};

/// Accounts by name; the value is the balance in decimal.
pub const ACCOUNTS: Table = Table::new("accounts");

/// Notes by digest; the value is how many bytes the payload has, in decimal.
pub const NOTES: Table = Table::new("notes");

/// The fold under test.
#[derive(Debug)]
pub struct Ledger;

/// Why the ledger refuses an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The account exists already.
    #[error("account {0} exists")]
    Exists(String),
    /// There is no such account.
    #[error("there is no account {0}")]
    Missing(String),
    /// The account holds too little, or still something.
    #[error("account {0} does not hold the right sum")]
    Balance(String),
    /// The entry is none of the ledger's.
    #[error("the entry is none of the ledger's")]
    Unknown,
}

/// Opens an account with some coins.
pub fn open(account: &str, coins: u64) -> Draft {
    draft("open", json!({"account": account, "coins": coins}))
}

/// Moves coins between two accounts.
pub fn transfer(from: &str, to: &str, coins: u64) -> Draft {
    draft("transfer", json!({"from": from, "to": to, "coins": coins}))
}

/// Closes an empty account.
pub fn close(account: &str) -> Draft {
    draft("close", json!({ "account": account }))
}

/// Notes a payload, whose size becomes a row for as long as it is there.
pub fn note(text: &str) -> (Change, SaltedDigest) {
    let payload = Payload::new([7; SALT_SIZE], text.as_bytes().to_vec());
    let digest = *payload.digest();
    let draft = draft("note", json!({"payload": digest.to_string()}));
    (Change::of(draft).with_payload(payload), digest)
}

/// Erases a noted payload and its row.
pub fn forget(digest: SaltedDigest) -> Change {
    Change::of(draft("forget", json!({"payload": digest.to_string()}))).erasing(digest)
}

/// A draft of `kind` with `fields`, which must be an object.
pub fn draft(kind: &'static str, fields: Value) -> Draft {
    Draft::new(kind, 1, serde_json::from_value(fields).unwrap())
}

/// The balances, computed in plain sight: what the rows must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model(pub BTreeMap<String, u64>);

impl Model {
    /// Applies drafts all together or not at all.
    ///
    /// # Errors
    /// [`Refused`], as the ledger says it.
    pub fn apply(&mut self, drafts: &[Draft]) -> Result<(), Refused> {
        let mut next = self.clone();
        for draft in drafts {
            next.apply_one(&draft.kind, &draft.fields)?;
        }
        *self = next;
        Ok(())
    }

    fn apply_one(&mut self, kind: &str, fields: &Map<String, Value>) -> Result<(), Refused> {
        let text = |field: &str| fields[field].as_str().unwrap().to_owned();
        match kind {
            "open" => {
                let coins = fields["coins"].as_u64().unwrap();
                if self.0.contains_key(&text("account")) {
                    return Err(Refused::Exists(text("account")));
                }
                self.0.insert(text("account"), coins);
            }
            "close" => match self.0.get(&text("account")) {
                None => return Err(Refused::Missing(text("account"))),
                Some(0) => drop(self.0.remove(&text("account"))),
                Some(_) => return Err(Refused::Balance(text("account"))),
            },
            _ => {
                let coins = fields["coins"].as_u64().unwrap();
                self.add(&text("from"), |held| held.checked_sub(coins))?;
                self.add(&text("to"), |held| held.checked_add(coins))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, account: &str, step: impl FnOnce(u64) -> Option<u64>) -> Result<(), Refused> {
        let held = self.0.get_mut(account);
        let held = held.ok_or_else(|| Refused::Missing(account.to_owned()))?;
        *held = step(*held).ok_or_else(|| Refused::Balance(account.to_owned()))?;
        Ok(())
    }
}

impl Projection for Ledger {
    fn apply(&self, _: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let fields = entry.fields();
        let text = |field: &str| {
            fields
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let coins = fields.get("coins").and_then(Value::as_u64).unwrap_or(0);
        match entry.kind() {
            "open" => open_account(text("account"), coins, rows),
            "close" => close_account(text("account"), rows),
            "transfer" => {
                change_balance(text("from"), rows, |held| held.checked_sub(coins))?;
                change_balance(text("to"), rows, |held| held.checked_add(coins))
            }
            "note" => keep_note(text("payload"), rows),
            "forget" => {
                rows.delete(NOTES, text("payload"));
                Ok(())
            }
            _ => Err(ApplyError::refuse(Refused::Unknown)),
        }
    }
}

fn balance(account: &str, rows: &mut dyn Rows) -> Result<Option<u64>, ApplyError> {
    let row = rows.row(ACCOUNTS, account)?;
    Ok(row.map(|row| str::from_utf8(&row).unwrap().parse().unwrap()))
}

fn open_account(account: &str, coins: u64, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    if balance(account, rows)?.is_some() {
        return Err(ApplyError::refuse(Refused::Exists(account.to_owned())));
    }
    rows.put(ACCOUNTS, account, coins.to_string().into_bytes());
    Ok(())
}

fn close_account(account: &str, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    match balance(account, rows)? {
        None => Err(ApplyError::refuse(Refused::Missing(account.to_owned()))),
        Some(0) => {
            rows.delete(ACCOUNTS, account);
            Ok(())
        }
        Some(_) => Err(ApplyError::refuse(Refused::Balance(account.to_owned()))),
    }
}

fn change_balance(
    account: &str,
    rows: &mut dyn Rows,
    step: impl FnOnce(u64) -> Option<u64>,
) -> Result<(), ApplyError> {
    let held = balance(account, rows)?;
    let held = held.ok_or_else(|| ApplyError::refuse(Refused::Missing(account.to_owned())))?;
    let held =
        step(held).ok_or_else(|| ApplyError::refuse(Refused::Balance(account.to_owned())))?;
    rows.put(ACCOUNTS, account, held.to_string().into_bytes());
    Ok(())
}

/// An erased payload leaves no row: the rows after a rebuild are those after the erasure.
fn keep_note(digest: &str, rows: &mut dyn Rows) -> Result<(), ApplyError> {
    let parsed = digest.parse().map_err(ApplyError::refuse)?;
    if let Some(payload) = rows.payload(&parsed)? {
        rows.put(
            NOTES,
            digest,
            payload.bytes().len().to_string().into_bytes(),
        );
    }
    Ok(())
}
