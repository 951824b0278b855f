//! What the HTTP API v1 takes and gives: one file per resource, each type a JSON body or a query.
//!
//! Stage: the edge of all three; `hub/server` speaks these types to whoever holds a token, and
//! `tools/cli` is one such caller. Their doc comments are the OpenAPI document's descriptions.
//! Never: decides anything. A request says of itself only whether its form is right (`check`);
//! whether it is allowed, the hub finds out.
//! To add a resource: a file here with its bodies, a route in `hub/server`, a command in `tools/cli`.
//!
//! Within v1 the API only grows: a field or a word is added, never renamed, removed or given another
//! meaning. Requests refuse unknown fields, so that a misspelt one is not silently ignored; readers of
//! responses ignore those they do not know. Moments are RFC 3339 in UTC; ids are plain strings.

mod certificate;
mod claim;
mod claim_list;
mod clock;
mod device;
mod figures;
mod issuing_ca;
mod journal;
mod manufacturer;
mod order;
mod page;
mod problem;
mod profile;
mod revocation;
mod secret;
mod service;
mod settings;
mod sign_in;
mod status;
mod token;
mod view;
mod words;

pub use certificate::{Certificate, CertificateStatus};
pub use claim::{
    CLAIM_TTL_S_DEFAULT, CLAIM_TTL_S_MAX, CLAIM_TTL_S_MIN, CLAIMS_MAX, Claim, ClaimItem,
    ClaimWithdrawn, ClaimsMade, NewClaim, NewClaims,
};
pub use claim_list::{BadLine, ClaimLine, claim_lines, span_s};
pub use clock::{ClockConfirmed, NewClockConfirmation};
pub use device::{
    Assurance, DeviceCount, DeviceDetail, DeviceItem, DeviceList, DeviceQuery, DeviceSort,
    EdgeDevice, EdgeNode, GrantSummary, Lifecycle, Notice, Reason, Source, Tier, TimelineEntry,
    Traffic,
};
pub use figures::{FigurePoint, Figures, FiguresQuery, Over, RefusedCounts};
pub use issuing_ca::{CaRequest, IssuingCaInstalled, NewCaRequest, NewIssuingCa};
pub use journal::{
    Checkpoint, EntryProof, JournalEntry, JournalQuery, Sealed, SnapshotTaken, WordsErased,
};
pub use manufacturer::{ManufacturerCa, ManufacturerCaRemoved, NewManufacturerCa};
pub use order::{
    Consequence, NewOrder, NewOrders, ORDERS_MAX, Order, OrderDone, OrderRefused, OrderState,
    OrdersDone, WHY_LENGTH_MAX,
};
pub use page::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page, PageQuery, limit};
pub use problem::{FieldFault, MEDIA_TYPE as PROBLEM_MEDIA_TYPE, Problem};
pub use profile::{
    GrantChange, NewProfile, ProfileApplied, ProfileCheck, ProfileDetail, ProfileItem,
    SettingChange,
};
pub use revocation::{
    CertificateItem, CertificateRevoked, HolderKind, NewRevocation, RevocationReason,
};
pub use secret::Secret;
pub use service::{
    NewService, SERVICE_FILTERS_MAX, ServiceDetail, ServiceIssued, ServiceItem, ServiceRevoked,
};
pub use settings::{DoorAddresses, HubSettings, SnapshotKept};
pub use sign_in::{NewPassword, PasswordSet, SessionItem, SessionsEnded, SignInLink};
pub use status::{CheckpointStatus, Degraded, JournalStatus, Status, StoreStatus};
pub use token::{NewNamedToken, NewToken, TokenItem, TokenMade, TokenRevoked};
pub use view::{NewView, SavedView, VIEW_QUERY_LENGTH_MAX, VIEWS_MAX, ViewRemoved};

/// The path below which everything of v1 lies.
pub const BASE: &str = "/api/v1";

/// The path below which the journal lies as a C2SP tile log: `checkpoint`, `tile/…`, `tile/entries/…`.
pub const LOG: &str = "/api/v1/journal/log";

/// The largest request body in bytes; only a CSR or a CA certificate comes near it.
pub const BODY_SIZE_MAX: usize = 64 * 1024;
