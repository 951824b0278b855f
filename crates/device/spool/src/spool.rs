//! The spool itself: append, make durable, hand out in order, forget what the hub has.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ironroot_time::UnixTime;

use crate::folder::{self, MAGIC, Segment};
use crate::position::Position;
use crate::record::{self, Reading};

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// All segments together, in bytes; the oldest are dropped past it.
    pub bytes_max: u64,
}

/// What is next for the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A reading.
    Reading(Reading),
    /// Readings that are here no more: dropped for want of room, or damaged on the disk.
    Gap {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
}

impl Item {
    /// The last number that it stands for.
    pub fn last(&self) -> u64 {
        match self {
            Self::Reading(reading) => reading.number,
            Self::Gap { last, .. } => *last,
        }
    }
}

/// What opening found to be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes of a record that was never finished, cut off.
    pub torn_bytes: u64,
    /// Whether it was not to be seen how far the hub has everything.
    pub position_lost: bool,
}

/// How much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Numbers that the hub does not have yet.
    pub readings: u64,
    /// The files together, in bytes.
    pub bytes: u64,
    /// The last number given.
    pub last: u64,
}

/// Why the spool did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk.
    #[error("the spool in {}", folder.display())]
    Io {
        /// Where the spool is.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The reading.
    #[error("the reading is larger than the spool takes")]
    TooLarge,
    /// Numbers have run out.
    #[error("the spool has no number left")]
    Full,
}

/// A spool, open.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    bounds: Bounds,
    position: Position,
    /// The position as it is on disk.
    saved: u64,
    /// All segments, the one that is written to last.
    segments: Vec<Segment>,
    /// The segment that is written to.
    tail: Option<File>,
    /// The last number given.
    last: u64,
    /// The last number that a power cut does not take away, and the length of the last segment up to it.
    durable: (u64, u64),
    /// Whether something was appended and taken back since the last call of `sync`.
    taken_back: bool,
    reader: Option<Reader>,
    /// The number that is handed out next.
    next: u64,
}

/// Where the reader is.
#[derive(Debug)]
struct Reader {
    first: u64,
    file: File,
    offset: u64,
}

impl Spool {
    /// Opens the spool in `folder`, or makes one called `fresh`. A record that was never finished is cut off.
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the folder cannot be read or mended.
    pub fn open(
        folder: &Path,
        bounds: Bounds,
        fresh: &str,
    ) -> Result<(Self, Recovered), SpoolError> {
        let failed = |cause| SpoolError::Io {
            folder: folder.to_owned(),
            cause,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let segments = folder::segments(folder).map_err(failed)?;
        let read = Position::read(folder).map_err(failed)?;
        let oldest = segments.first().map_or(1, |segment| segment.first);
        let recovered = Recovered {
            position_lost: read.is_none() && !segments.is_empty(),
            torn_bytes: 0,
        };
        // Numbers of a spool whose position is lost could be given a second time, so it gets another name.
        let position = read.clone().unwrap_or(Position {
            spool: fresh.to_owned(),
            settled: oldest.saturating_sub(1),
        });
        let mut spool = Self {
            folder: folder.to_owned(),
            bounds,
            saved: position.settled,
            last: position.settled,
            durable: (position.settled, 0),
            next: 0,
            position,
            segments,
            tail: None,
            taken_back: false,
            reader: None,
        };
        if read.is_none() {
            spool.position.write(folder).map_err(failed)?;
        }
        let torn_bytes = spool.mend().map_err(failed)?;
        spool.rewind();
        Ok((
            spool,
            Recovered {
                torn_bytes,
                ..recovered
            },
        ))
    }

    /// Which spool this is.
    pub fn id(&self) -> &str {
        &self.position.spool
    }

    /// Writes a reading and gives it its number. It is durable, and handed out, after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`SpoolError`]; the reading then has no number, and those before it are as they were.
    pub fn append(&mut self, at: UnixTime, topic: &str, payload: &[u8]) -> Result<u64, SpoolError> {
        let number = self.last.checked_add(1).ok_or(SpoolError::Full)?;
        let bytes = record::encode(number, at, topic, payload).ok_or(SpoolError::TooLarge)?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > self.segment_bytes() {
            return Err(SpoolError::TooLarge);
        }
        let mut written = self.write(number, size, &bytes);
        // A disk that others have filled is as full as one that is ours alone: the oldest makes room.
        while matches!(&written, Err(cause) if is_full(cause))
            && self.make_room(number).map_err(|cause| self.failed(cause))?
        {
            written = self.write(number, size, &bytes);
        }
        written.map_err(|cause| self.failed(cause))?;
        self.last = number;
        Ok(number)
    }

    /// Makes everything durable that was appended.
    ///
    /// # Errors
    /// [`SpoolError::Io`]; everything since the last success is then gone, and its numbers are given again.
    pub fn sync(&mut self) -> Result<(), SpoolError> {
        self.sync_tail().map_err(|cause| self.failed(cause))?;
        if std::mem::take(&mut self.taken_back) {
            return Err(self.failed(io::Error::other("it could not be made durable")));
        }
        Ok(())
    }

    fn sync_tail(&mut self) -> io::Result<()> {
        let Some(tail) = &self.tail else {
            return Ok(());
        };
        if let Err(cause) = tail.sync_data() {
            self.take_back();
            self.taken_back = false;
            return Err(cause);
        }
        let bytes = self.segments.last().map_or(0, |segment| segment.bytes);
        self.durable = (self.last, bytes);
        Ok(())
    }

    /// What is next for the hub; nothing when everything durable was handed out.
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the disk cannot be read.
    pub fn take(&mut self) -> Result<Option<Item>, SpoolError> {
        if self.next > self.durable.0 {
            return Ok(None);
        }
        let item = self.find().map_err(|cause| self.failed(cause))?;
        self.next = item.last().saturating_add(1);
        Ok(Some(item))
    }

    /// Hands everything out again that the hub does not have.
    pub fn rewind(&mut self) {
        self.next = self.position.settled.saturating_add(1);
        self.reader = None;
    }

    /// Notes that the hub has everything up to `number`, or knows that it is lost.
    pub fn settle(&mut self, number: u64) {
        self.position.settled = self.position.settled.max(number.min(self.durable.0));
    }

    /// The last number that the hub has, or knows to be lost.
    pub fn settled(&self) -> u64 {
        self.position.settled
    }

    /// Puts that on disk, and removes the segments that are needed no more.
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the disk refuses; nothing is lost by it.
    pub fn save(&mut self) -> Result<(), SpoolError> {
        if self.saved == self.position.settled {
            return Ok(());
        }
        // In this order: a segment that is gone while the position says that it is wanted looks like a loss.
        self.position
            .write(&self.folder)
            .map_err(|cause| self.failed(cause))?;
        self.saved = self.position.settled;
        while let [_oldest, following, ..] = self.segments.as_slice()
            && following.first <= self.saved.saturating_add(1)
        {
            self.drop_oldest().map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// How much waits.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            readings: self.last.saturating_sub(self.position.settled),
            bytes: self.bytes(),
            last: self.last,
        }
    }

    fn bytes(&self) -> u64 {
        let bytes = self.segments.iter().map(|segment| segment.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    fn segment_bytes(&self) -> u64 {
        (self.bounds.bytes_max / SEGMENTS).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
    }

    fn failed(&self, cause: io::Error) -> SpoolError {
        SpoolError::Io {
            folder: self.folder.clone(),
            cause,
        }
    }

    /// Finds the end of the last segment, and cuts off what was never finished.
    fn mend(&mut self) -> io::Result<u64> {
        let Some(segment) = self.segments.last().copied() else {
            return Ok(0);
        };
        let file = folder::open(&self.folder, segment.first)?;
        let mut offset = start(segment.bytes);
        let mut last = segment.first.saturating_sub(1);
        while let Some((reading, next)) = seek(&file, offset, segment.bytes, last)? {
            (last, offset) = (reading.number, next);
        }
        let torn = segment.bytes.saturating_sub(offset);
        if torn > 0 {
            file.set_len(offset)?;
            file.sync_all()?;
        }
        if offset == 0 {
            // Not even its first bytes are whole: the next reading begins it anew, when there is room for one.
            self.segments.pop();
        } else if let Some(segment) = self.segments.last_mut() {
            segment.bytes = offset;
            self.tail = Some(file);
        }
        let bytes = self.segments.last().map_or(0, |segment| segment.bytes);
        // What the hub has was durable once, whatever the disk says now.
        self.last = last.max(self.position.settled);
        self.durable = (self.last, bytes);
        Ok(torn)
    }

    /// Writes a record at the end, in a new segment when the last one is full, and drops the oldest to stay within
    /// the bound.
    fn write(&mut self, number: u64, size: u64, bytes: &[u8]) -> io::Result<()> {
        let full = self
            .segments
            .last()
            .is_none_or(|segment| segment.bytes.saturating_add(size) > self.segment_bytes());
        if full || self.tail.is_none() {
            self.begin_segment(number)?;
        }
        while self.bytes().saturating_add(size) > self.bounds.bytes_max && self.segments.len() > 1 {
            self.drop_oldest()?;
        }
        let (Some(tail), Some(segment)) = (&self.tail, self.segments.last_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        // Half a record that is left by a failure is overwritten by the next.
        tail.write_all_at(bytes, segment.bytes)?;
        segment.bytes = segment.bytes.saturating_add(size);
        Ok(())
    }

    fn begin_segment(&mut self, number: u64) -> io::Result<()> {
        if let Err(cause) = self.sync_tail() {
            self.taken_back = true;
            return Err(cause);
        }
        let tail = folder::create(&self.folder, number)?;
        let bytes = MAGIC.len() as u64;
        self.segments.retain(|segment| segment.first != number);
        self.segments.push(Segment {
            first: number,
            bytes,
        });
        self.durable.1 = bytes;
        self.tail = Some(tail);
        Ok(())
    }

    /// Gives a full disk room; whether there was any to give. `next` is the number that comes next.
    fn make_room(&mut self, next: u64) -> io::Result<bool> {
        if self.segments.len() > 1 {
            self.drop_oldest()?;
            return Ok(true);
        }
        let Some(only) = self.segments.first() else {
            return Ok(false);
        };
        if only.first == next || self.position.settled < self.last {
            return Ok(false);
        }
        // The hub has all of the only segment. Its numbers are not given again: its successor's name says so before
        // it goes.
        folder::reserve(&self.folder, next)?;
        self.drop_oldest()?;
        self.tail = None;
        Ok(true)
    }

    fn drop_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.segments.first() else {
            return Ok(());
        };
        fs::remove_file(folder::path(&self.folder, oldest.first))?;
        // The disk gets its room back when nobody has the file open any more.
        self.reader = self
            .reader
            .take()
            .filter(|reader| reader.first != oldest.first);
        self.segments.remove(0);
        Ok(())
    }

    /// Takes back what was appended since the last success: the system may have lost it without saying which part.
    fn take_back(&mut self) {
        let (last, bytes) = self.durable;
        self.last = last;
        if let (Some(tail), Some(segment)) = (&self.tail, self.segments.last_mut()) {
            segment.bytes = bytes;
            // A new segment is begun, and what comes after its first number counts no more, so a failure is harmless.
            let _may_stay = tail.set_len(bytes);
        }
        self.tail = None;
    }

    /// The reading that is next, or the gap up to the one that is there.
    fn find(&mut self) -> io::Result<Item> {
        let wanted = self.next;
        let Some(index) = self.segment_of(wanted) else {
            // Everything from here to the first segment that is left was dropped.
            return Ok(Item::Gap {
                first: wanted,
                last: self.before(self.segments.first().copied()),
            });
        };
        let Some(segment) = self.segments.get(index).copied() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let following = self.segments.get(index.saturating_add(1)).copied();
        let bound = self.before(following);
        let end = match following {
            Some(_) => segment.bytes,
            None => self.durable.1,
        };
        let reader = match &mut self.reader {
            Some(reader) if reader.first == segment.first => reader,
            other => other.insert(Reader::at_start(&self.folder, segment)?),
        };
        let found = match seek(&reader.file, reader.offset, end, wanted.saturating_sub(1)) {
            Ok(found) => found.filter(|(reading, _)| reading.number <= bound),
            // A part of the disk that cannot be read must not hold up what lies behind it.
            Err(cause) if is_damage(&cause) => None,
            Err(cause) => return Err(cause),
        };
        let Some((reading, offset)) = found else {
            // The rest of this segment is no reading: on to the next one, which begins behind the gap.
            return Ok(Item::Gap {
                first: wanted,
                last: bound,
            });
        };
        if reading.number > wanted {
            return Ok(Item::Gap {
                first: wanted,
                last: reading.number.saturating_sub(1),
            });
        }
        reader.offset = offset;
        Ok(Item::Reading(reading))
    }

    /// The segment whose range of numbers `number` is in.
    fn segment_of(&self, number: u64) -> Option<usize> {
        let after = self
            .segments
            .partition_point(|segment| segment.first <= number);
        after.checked_sub(1)
    }

    /// The last number before that segment; without one, the last that is durable.
    fn before(&self, segment: Option<Segment>) -> u64 {
        segment.map_or(self.durable.0, |segment| {
            segment.first.saturating_sub(1).min(self.durable.0)
        })
    }
}

impl Reader {
    fn at_start(folder: &Path, segment: Segment) -> io::Result<Self> {
        let file = folder::open(folder, segment.first)?;
        Ok(Self {
            first: segment.first,
            file,
            offset: start(segment.bytes),
        })
    }
}

/// Where the first record of a segment stands; 0 when the segment is cut within its first bytes.
fn start(bytes: u64) -> u64 {
    // Damaged or not, records are looked for behind them.
    let magic = MAGIC.len() as u64;
    if bytes < magic { 0 } else { magic }
}

/// Whether the disk, or the part of it that this program may use, is full.
fn is_full(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Whether the disk cannot give back what it has taken (errno(3), `EIO`).
fn is_damage(cause: &io::Error) -> bool {
    cause.raw_os_error() == Some(EIO)
}

/// The first whole record at or behind `offset` whose number is above `after`, and where it ends. Damage in between
/// is passed over.
fn seek(file: &File, offset: u64, end: u64, after: u64) -> io::Result<Option<(Reading, u64)>> {
    let mut at = offset;
    while at < end {
        match record::read_at(file, at, end)? {
            Some((reading, next)) if reading.number > after => return Ok(Some((reading, next))),
            Some((_earlier, next)) => at = next,
            None => at = at.saturating_add(1),
        }
    }
    Ok(None)
}

/// Into how many segments a spool is divided when it is full: so much is dropped at once.
const SEGMENTS: u64 = 16;
const SEGMENT_BYTES_MIN: u64 = 16 << 10;
const SEGMENT_BYTES_MAX: u64 = 1 << 20;
const EIO: i32 = 5;
