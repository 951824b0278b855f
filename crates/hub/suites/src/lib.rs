//! The tests that every store passes, whatever database is behind it.
//!
//! Stage: none; test code alone, which backends call from their `tests` folder.
//! Never: names a backend, or is linked into a program.
//! To add a test: a function in `store.rs`, `replay.rs` or `copy.rs` and its name in `store_suite!`.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod append;
pub mod copy;
pub mod ledger;
mod property;
pub mod replay;
pub mod store;

pub use property::random_changes_leave_what_a_replay_gives;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ironroot_store::{BoxFuture, Committed, Follower, Loader, Projection, Store};
use ironroot_time::{Clock, UnixTime};
use parking_lot::Mutex;

/// A backend under test, at one place that keeps its data: a folder, a database of its own.
pub trait Backend: Send + Sync {
    /// Opens the store at this place with `parts`; a second call continues what the first left.
    ///
    /// The store opened before was dropped.
    fn open(&self, parts: Parts) -> BoxFuture<'_, Arc<dyn Store>>;

    /// Opens a loader at this place, with the projection of `parts`.
    fn loader(&self, parts: Parts) -> BoxFuture<'_, Result<Box<dyn Loader>, BoxError>>;

    /// How many random runs are worth their time here.
    fn runs(&self) -> u32 {
        32
    }
}

/// Why a backend was not opened.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a store is opened with.
#[derive(Clone)]
pub struct Parts {
    /// The fold.
    pub projection: Arc<dyn Projection>,
    /// Who is told of entries.
    pub follower: Arc<Recorder>,
    /// The time.
    pub clock: Arc<SetClock>,
}

/// A clock that shows what it was set to.
#[derive(Debug, Default)]
pub struct SetClock(AtomicU64);

impl SetClock {
    /// Sets the clock to `ms` since the epoch, backwards too.
    pub fn set_ms(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A follower that remembers everything it was told.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Committed>>);

impl Recorder {
    /// What it was told so far.
    pub fn seen(&self) -> Vec<Committed> {
        self.0.lock().clone()
    }
}

impl Follower for Recorder {
    fn follow(&self, committed: &[Committed]) {
        self.0.lock().extend_from_slice(committed);
    }
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            projection: Arc::new(ledger::Ledger),
            follower: Arc::default(),
            clock: Arc::default(),
        }
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Makes one test of each store test; `$backend` is an expression that makes a fresh [`Backend`].
#[macro_export]
macro_rules! store_suite {
    ($backend:expr) => {
        $crate::store_suite! { $backend; replay;
            the_verified_rows_are_those_of_one_moment_in_order,
            a_replay_from_a_snapshot_gives_the_same_rows,
            a_snapshot_does_not_bring_back_what_was_erased,
            a_snapshot_with_other_rows_is_refused,
            a_snapshot_past_the_end_is_refused,
            a_dropped_entry_is_archived_and_not_missing,
            a_replay_reads_dropped_entries_from_the_archive,
            the_newest_entry_is_never_dropped,
            entries_are_dropped_a_bounded_number_at_a_time,
        }

        $crate::store_suite! { $backend; store;
            indices_are_dense_and_receipts_name_them,
            a_refused_change_leaves_no_trace_and_others_go_on,
            a_refusal_comes_back_as_the_type_it_was,
            a_refused_change_may_rest_on_one_of_the_same_batch,
            the_follower_knows_before_the_author_does,
            the_follower_sees_every_row_that_an_entry_wrote,
            time_never_goes_back_even_when_the_clock_does,
            time_never_goes_back_across_a_reopening,
            a_reopened_store_goes_on_where_it_stopped,
            entries_are_read_from_any_index_with_a_bound,
            rows_are_read_by_prefix_and_page_in_the_order_of_their_bytes,
            a_payload_is_read_until_it_is_erased,
            a_projection_reads_the_payload_of_its_own_change,
            a_secret_is_read_until_it_is_shredded,
            a_refused_change_keeps_neither_payload_nor_secret,
            an_entry_too_large_is_refused_alone,
            a_change_past_a_bound_is_refused,
            a_draft_without_canonical_text_is_refused,
            a_change_without_entries_is_kept,
            the_rows_equal_a_replay,
            a_rebuild_gives_the_same_rows,
            a_rebuild_leaves_the_keyring_alone,
            health_says_appending,
        }

        $crate::store_suite! { $backend, $backend;
            a_copy_has_all_that_the_store_had,
            a_dump_is_of_one_moment_while_others_write,
            a_copy_of_many_entries_is_whole,
            a_copy_of_a_store_that_dropped_entries_has_them_all,
            an_empty_store_is_copied,
            a_dump_begins_where_it_is_told_to,
            a_dump_ends_when_its_taker_refuses,
            a_load_that_did_not_finish_is_begun_again,
            refuses_to_load_into_a_store_with_anything_in_it,
            refuses_a_copy_whose_state_is_another,
            attack_entries_taken_out_of_a_copy_or_damaged,
        }

        #[test]
        fn random_changes_leave_what_a_replay_gives() {
            $crate::random_changes_leave_what_a_replay_gives(|| Box::new($backend));
        }
    };
    ($source:expr, $target:expr; $($test:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $crate::copy::$test(&$source, &$target).await;
            }
        )*
    };
    ($backend:expr; $tests:ident; $($test:ident,)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $crate::$tests::$test(&$backend).await;
            }
        )*
    };
}
