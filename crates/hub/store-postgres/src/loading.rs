//! An empty database that is filled from a dump, and refuses to be a store before it is whole.

use std::sync::Arc;

use ironroot_store::{Intake, LoadError, Loader, Moment, Part, Projection, Source};
use tokio_postgres::types::Type;

use crate::error::unreadable;
use crate::io::Io;
use crate::reading::{Stored, to_sql};
use crate::seat::{self, Seat};
use crate::session::Session;
use crate::{DatabaseError, OpenError, Settings, replaying, schema};

/// How many parts are written at once.
const PARTS_MAX: usize = 256;

/// How many bytes of them.
const SIZE_MAX: usize = 4 << 20;

/// A store in a PostgreSQL database that takes a dump.
pub struct PostgresLoader {
    settings: Settings,
    session: Session,
    seat: Seat,
    projection: Arc<dyn Projection>,
    intake: Intake,
    waiting: Waiting,
    /// Behind the session, which lives on it.
    io: Io,
}

/// Parts that are taken and not written yet, column by column.
#[derive(Default)]
struct Waiting {
    secrets: [Vec<Vec<u8>>; 2],
    payloads: [Vec<Vec<u8>>; 3],
    indices: Vec<i64>,
    entries: Vec<Vec<u8>>,
    size: usize,
}

impl PostgresLoader {
    /// Opens an empty database, or one that an earlier loader left unfinished, which is emptied.
    /// It blocks, wherever it is called.
    ///
    /// # Errors
    /// [`OpenError::NotEmpty`] when anything is in the store, and what
    /// [`PostgresStore::open`](crate::PostgresStore::open) refuses with.
    pub fn open(settings: &Settings, projection: Arc<dyn Projection>) -> Result<Self, OpenError> {
        let io = Io::start().map_err(OpenError::Thread)?;
        let (session, seat) = io.wait(async {
            let session = Session::open(settings).await?;
            schema::prepare(&session).await?;
            let seat = seat::take(&session, settings.lease).await?;
            schema::begin_loading(&session).await?;
            Ok::<_, OpenError>((session, seat))
        })?;
        Ok(Self {
            settings: settings.clone(),
            session,
            seat,
            projection,
            intake: Intake::default(),
            waiting: Waiting::default(),
            io,
        })
    }

    fn write(&mut self) -> Result<(), DatabaseError> {
        let waiting = std::mem::take(&mut self.waiting);
        let (session, seat, lease) = (&self.session, self.seat, self.settings.lease);
        self.io.wait(async {
            session.run("BEGIN").await?;
            if !seat::renew(session, seat, lease).await? {
                return Err(DatabaseError::Ousted);
            }
            waiting.write(session).await?;
            session.run("COMMIT").await
        })
    }
}

impl Waiting {
    fn take(&mut self, part: Part) {
        match part {
            Part::Moment(_) => {}
            Part::Secret { name, secret } => {
                self.size += secret.expose().len();
                self.secrets[0].push(name.into_bytes());
                self.secrets[1].push(secret.expose().to_vec());
            }
            Part::Payload(payload) => {
                self.size += payload.bytes().len();
                self.payloads[0].push(payload.digest().as_bytes().to_vec());
                self.payloads[1].push(payload.salt().to_vec());
                self.payloads[2].push(payload.bytes().to_vec());
            }
            Part::Entry(entry) => {
                self.size += entry.bytes.len();
                self.indices.push(to_sql(entry.index));
                self.entries.push(entry.bytes);
            }
        }
    }

    fn is_enough(&self) -> bool {
        let parts = self.secrets[0].len() + self.payloads[0].len() + self.entries.len();
        parts >= PARTS_MAX || self.size >= SIZE_MAX
    }

    async fn write(&self, session: &Session) -> Result<(), DatabaseError> {
        let (bytes, [names, secrets]) = (Type::BYTEA_ARRAY, &self.secrets);
        let sql = "INSERT INTO secrets (name, bytes) SELECT * FROM unnest($1, $2)";
        let parameters = [(names as _, bytes.clone()), (secrets as _, bytes.clone())];
        session.query(sql, &parameters).await?;
        let [digests, salts, payloads] = &self.payloads;
        let sql = "INSERT INTO payloads (digest, salt, bytes) SELECT * FROM unnest($1, $2, $3)";
        let parameters = [
            (digests as _, bytes.clone()),
            (salts as _, bytes.clone()),
            (payloads as _, bytes.clone()),
        ];
        session.query(sql, &parameters).await?;
        let sql = "INSERT INTO entries (idx, bytes) SELECT * FROM unnest($1, $2)";
        let parameters = [
            (&self.indices as _, Type::INT8_ARRAY),
            (&self.entries as _, bytes),
        ];
        session.query(sql, &parameters).await.map(drop)
    }
}

impl Loader for PostgresLoader {
    fn load(&mut self, part: Part) -> Result<(), LoadError> {
        self.intake.admit(&part)?;
        self.waiting.take(part);
        if self.waiting.is_enough() {
            self.write().map_err(unreadable)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Moment, LoadError> {
        let moment = self.intake.complete()?;
        self.write().map_err(unreadable)?;
        let (stored, lease) = (Stored::new(&self.io, &self.session), self.settings.lease);
        let (session, seat) = (&self.session, self.seat);
        stored.wait(session.run("BEGIN"))?;
        if !stored.wait(seat::renew(session, seat, lease))? {
            return Err(unreadable(DatabaseError::Ousted).into());
        }
        let state = replaying::rebuild(stored, &*self.projection, Source::default())?;
        moment.check_state(state)?;
        stored.wait(session.run(schema::END_LOADING))?;
        stored.wait(seat::renew(session, seat, lease))?;
        stored.wait(session.run("COMMIT"))?;
        stored.wait(seat::release(session, seat))?;
        Ok(moment)
    }
}

impl std::fmt::Debug for PostgresLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresLoader")
            .field("intake", &self.intake)
            .finish_non_exhaustive()
    }
}
