//! The pen: decides and writes on the one connection that may, and finds its way back after a lost one.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ironroot_store::{
    Batch, Change, DROP_MAX, Failure, Head, LaterCause, Overlay, Projection, RowWrite, Source,
    StateDigest, StateError, StoreError, Tended, decide,
};
use ironroot_time::Clock;
use tokio_postgres::Statement;

use crate::cache::{Cache, Cached};
use crate::error::later;
use crate::io::Io;
use crate::reading::{self, Stored, read_head};
use crate::seat::{self, Seat};
use crate::session::Session;
use crate::writing::{self, Written};
use crate::{DatabaseError, OpenError, Settings, replaying, schema};

/// How often an idle connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The first pause between attempts to connect; each is twice as long as the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(50);

/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The right to write to one store, and the connection to do it on.
pub(crate) struct Pen {
    settings: Settings,
    io: Arc<Io>,
    clock: Arc<dyn Clock>,
    projection: Arc<dyn Projection>,
    seat: Seat,
    pub(crate) head: Head,
    cache: Cache,
    line: Line,
    /// A batch that may have been kept or not; nothing is written before that is known.
    doubt: Option<Decided>,
    /// Whether the database took the last batch; a lease that it takes says nothing of its disk.
    refusing: bool,
}

/// The connection, or why there is none.
enum Line {
    Up(Up),
    Down {
        cause: LaterCause,
        retry_at: Instant,
        pause: Duration,
    },
    /// Another program has the pen: for good.
    Fenced,
}

struct Up {
    session: Session,
    write: Statement,
    renew_at: Instant,
}

/// A batch and the rows that it leaves.
struct Decided {
    batch: Batch,
    rows: Vec<RowWrite>,
}

/// What became of a batch in doubt.
enum Found {
    Kept,
    Lost,
    Fenced,
}

impl Pen {
    /// Opens the store for writing.
    pub(crate) async fn take(
        settings: Settings,
        io: Arc<Io>,
        clock: Arc<dyn Clock>,
        projection: Arc<dyn Projection>,
    ) -> Result<Self, OpenError> {
        let session = Session::open(&settings).await?;
        refuse_what_is_not_durable(&session).await?;
        schema::prepare(&session).await?;
        schema::check_whole(&session).await?;
        let seat = seat::take(&session, settings.lease).await?;
        let head = read_head(&session).await.map_err(OpenError::Head)?;
        let up = Up::new(session, settings.lease).await?;
        Ok(Self {
            settings,
            io,
            clock,
            projection,
            seat,
            head,
            cache: Cache::default(),
            line: Line::Up(up),
            doubt: None,
            refusing: false,
        })
    }

    /// Reads the rows, so that no commit waits for one.
    pub(crate) fn load(&mut self) -> Result<(), StoreError> {
        if let Line::Up(up) = &self.line {
            self.cache = Cache::load(Stored::new(&self.io, &up.session))?;
        }
        Ok(())
    }

    /// Writes what was decided; a connection that breaks meanwhile leaves it in doubt.
    fn write(&mut self, decided: &Decided) -> Result<Written, DatabaseError> {
        let Line::Up(up) = &mut self.line else {
            return Err(DatabaseError::NoAnswer);
        };
        let lease = self.settings.lease;
        up.renew_at = Instant::now() + lease / 3;
        self.io.wait(writing::write(
            &up.session,
            &up.write,
            (self.seat, lease),
            &decided.batch,
            &decided.rows,
        ))
    }

    /// Writes what was decided, again if need be, until it is known to be kept or refused.
    ///
    /// A batch in doubt is looked for as long as a statement may take. After that its authors are
    /// told to come again later, and [`Pen::tend`] goes on looking.
    fn keep(&mut self, decided: Decided) -> Result<Batch, Failure> {
        let deadline = Instant::now() + self.settings.patience;
        let mut decided = decided;
        loop {
            match self.write(&decided) {
                Ok(Written::Kept) => {
                    self.seat.batch += 1;
                    return Ok(self.kept(decided));
                }
                Ok(Written::Fenced) => return Err(self.fenced()),
                Err(cause) if cause.refused() => {
                    self.refusing = true;
                    return Err(Failure::Later(later(cause)));
                }
                Err(cause) => self.lose(cause),
            }
            self.doubt = Some(decided);
            match self.look_for_it(deadline)? {
                Some(batch) => return Ok(batch),
                None => match self.doubt.take() {
                    Some(again) => decided = again,
                    None => return Err(self.why_not()),
                },
            }
        }
    }

    /// Finds out about the batch in doubt: the batch when it was kept, nothing when it is to be
    /// written again.
    fn look_for_it(&mut self, deadline: Instant) -> Result<Option<Batch>, Failure> {
        let mut pause = PAUSE_FIRST;
        loop {
            match self.reconnect() {
                Ok(Found::Kept) => return Ok(self.doubt.take().map(|kept| self.kept(kept))),
                Ok(Found::Lost) => return Ok(None),
                Ok(Found::Fenced) => return Err(self.fenced()),
                Err(cause) => self.lose(cause),
            }
            if Instant::now() + pause > deadline {
                return Err(self.why_not());
            }
            thread::sleep(pause);
            pause *= 2;
        }
    }

    /// Connects again and takes the pen again, which settles what is in doubt.
    fn reconnect(&mut self) -> Result<Found, DatabaseError> {
        let (seat, lease) = (self.seat, self.settings.lease);
        let connected: Result<_, DatabaseError> = self.io.wait(async {
            let session = Session::open(&self.settings).await?;
            let Some(seat) = seat::retake(&session, seat, lease).await? else {
                return Ok(None);
            };
            Ok(Some((seat, Up::new(session, lease).await?)))
        });
        let Some((seat, up)) = connected? else {
            return Ok(Found::Fenced);
        };
        let kept = seat.batch > self.seat.batch;
        tracing::info!(kept, "The database answers again.");
        self.seat = seat;
        self.line = Line::Up(up);
        Ok(if kept { Found::Kept } else { Found::Lost })
    }

    /// Takes note of a batch that is durable.
    fn kept(&mut self, decided: Decided) -> Batch {
        self.cache.take(&decided.rows);
        self.head = decided.batch.head;
        self.refusing = false;
        decided.batch
    }

    /// Lets a connection go that is of no use any more.
    fn lose(&mut self, cause: DatabaseError) {
        let pause = match &self.line {
            Line::Down { pause, .. } => (*pause * 2).min(PAUSE_MAX),
            Line::Up(_) | Line::Fenced => {
                tracing::error!(error = %chain(&cause), "The database is lost; the journal takes nothing until it is back.");
                PAUSE_FIRST
            }
        };
        let line = Line::Down {
            cause: later(cause),
            retry_at: Instant::now() + pause,
            pause,
        };
        if let Line::Up(up) = std::mem::replace(&mut self.line, line) {
            up.session.abandon();
        }
    }

    fn fenced(&mut self) -> Failure {
        tracing::error!("Another hub has taken over this store; this one never writes again.");
        self.line = Line::Fenced;
        self.doubt = None;
        Failure::Fenced
    }

    /// Why nothing is written at present.
    fn why_not(&self) -> Failure {
        match &self.line {
            Line::Down { cause, .. } => Failure::Later(cause.clone()),
            Line::Fenced => Failure::Fenced,
            Line::Up(_) => Failure::Later(LaterCause::failed(DatabaseError::NoAnswer)),
        }
    }

    /// Says that this hub lives, when it is time to.
    fn renew(&mut self) -> Option<Tended> {
        let Line::Up(up) = &mut self.line else {
            return None;
        };
        let lease = self.settings.lease;
        if !up.session.is_closed() && up.renew_at > Instant::now() {
            return None;
        }
        up.renew_at = Instant::now() + lease / 3;
        let renewed = self.io.wait(seat::renew(&up.session, self.seat, lease));
        match renewed {
            Ok(true) if self.refusing => None,
            Ok(true) => Some(Tended::Well(None)),
            Ok(false) => Some(Tended::Failing(self.fenced())),
            Err(cause) if cause.refused() => Some(Tended::Failing(Failure::Later(later(cause)))),
            Err(cause) => {
                self.lose(cause);
                Some(Tended::Failing(self.why_not()))
            }
        }
    }

    fn rebuild_on(&self, up: &Up, source: Source) -> Result<Option<StateDigest>, StateError> {
        let stored = Stored::new(&self.io, &up.session);
        stored.wait(up.session.run("BEGIN"))?;
        let lease = self.settings.lease;
        // The row stays locked until the end, so that nobody takes over while the lease is not renewed.
        if !stored.wait(seat::renew(&up.session, self.seat, lease))? {
            return Ok(None);
        }
        let digest = replaying::rebuild(stored, &*self.projection, source)?;
        stored.wait(seat::renew(&up.session, self.seat, lease))?;
        stored.wait(up.session.run("COMMIT"))?;
        Ok(Some(digest))
    }
}

impl ironroot_store::Pen for Pen {
    fn commit(&mut self, changes: Vec<Change>) -> Result<Batch, Failure> {
        let Line::Up(up) = &self.line else {
            return Err(self.why_not());
        };
        let mut overlay = Overlay::new(Cached {
            stored: Stored::new(&self.io, &up.session),
            cache: &mut self.cache,
        });
        let (now, projection) = (self.clock.now(), &*self.projection);
        let batch = decide(changes, self.head, now, projection, &mut overlay);
        let rows = overlay.into_parts().1.collect();
        self.keep(Decided { batch, rows })
    }

    fn rebuild(&mut self, source: Source) -> Result<StateDigest, StateError> {
        let Line::Up(up) = &self.line else {
            return Err(self.why_not().into());
        };
        let rebuilt = self.rebuild_on(up, source);
        match rebuilt {
            Ok(Some(digest)) => {
                self.cache.clear();
                Ok(digest)
            }
            Ok(None) => Err(self.fenced().into()),
            Err(cause) => {
                let undone = self.io.wait(up.session.run("ROLLBACK"));
                self.cache.clear();
                if let Err(lost) = undone {
                    self.lose(lost);
                }
                Err(cause)
            }
        }
    }

    fn drop_entries(&mut self, floor: u64) -> Result<u64, Failure> {
        let Line::Up(up) = &self.line else {
            return Err(self.why_not());
        };
        let dropped = self.io.wait(async {
            let lowest = reading::floor(&up.session).await?;
            let floor = floor.clamp(lowest, lowest.saturating_add(DROP_MAX));
            let written = writing::drop_entries(&up.session, self.seat, floor).await?;
            Ok::<_, DatabaseError>((floor, written))
        });
        match dropped {
            Ok((floor, Written::Kept)) => Ok(floor),
            Ok((_, Written::Fenced)) => Err(self.fenced()),
            Err(cause) if cause.refused() => Err(Failure::Later(later(cause))),
            Err(cause) => {
                self.lose(cause);
                Err(self.why_not())
            }
        }
    }

    fn tend_after(&self) -> Option<Duration> {
        match &self.line {
            Line::Up(up) => Some(left(up.renew_at).min(LOOK)),
            Line::Down { retry_at, .. } => Some(left(*retry_at)),
            Line::Fenced => None,
        }
    }

    fn tend(&mut self) -> Option<Tended> {
        if let Line::Up(_) = self.line {
            return self.renew();
        }
        match self.reconnect() {
            Ok(Found::Kept) => {
                let batch = self.doubt.take().map(|kept| self.kept(kept));
                Some(Tended::Well(batch))
            }
            Ok(Found::Lost) => {
                self.doubt = None;
                self.refusing = false;
                Some(Tended::Well(None))
            }
            Ok(Found::Fenced) => Some(Tended::Failing(self.fenced())),
            Err(cause) => {
                self.lose(cause);
                Some(Tended::Failing(self.why_not()))
            }
        }
    }
}

impl Up {
    async fn new(session: Session, lease: Duration) -> Result<Self, DatabaseError> {
        let write = writing::prepare(&session).await?;
        Ok(Self {
            session,
            write,
            renew_at: Instant::now() + lease / 3,
        })
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        if let Line::Up(up) = &self.line
            && let Err(cause) = self.io.wait(seat::release(&up.session, self.seat))
        {
            tracing::warn!(error = %chain(&cause), "The next hub may have to wait until this one's lease ends.");
        }
    }
}

async fn refuse_what_is_not_durable(session: &Session) -> Result<(), OpenError> {
    let found = session.query_opt("SHOW fsync", &[]).await?;
    let fsync: String = found.ok_or(DatabaseError::Answer)?.try_get(0)?;
    let durable = fsync == "on";
    durable.then_some(()).ok_or(OpenError::NotDurable)
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// An error and what is behind it, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
