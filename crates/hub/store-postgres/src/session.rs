//! One connection to the database: how it is opened, and how each step on it is bounded in time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::url::Tls;
use crate::{DatabaseError, Settings};

/// A parameter and its type.
pub(crate) type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

/// A connection. Its server-side session ends soon after it is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    task: AbortHandle,
    patience: Duration,
}

impl Session {
    /// Connects; must run within the runtime that the connection is to live on.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, DatabaseError> {
        let patience = settings.patience;
        bounded(patience, async {
            let (client, task) = connect(settings).await?;
            let session = Self {
                client,
                task,
                patience,
            };
            session.client.batch_execute(SETTINGS).await?;
            Ok(session)
        })
        .await
    }

    /// Asks once, without preparing.
    pub(crate) async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.bounded(self.client.query_typed(sql, parameters)).await
    }

    /// The same, for at most one row.
    pub(crate) async fn query_opt(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, DatabaseError> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Statements without parameters or answers.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.bounded(self.client.batch_execute(sql)).await
    }

    pub(crate) async fn prepare(
        &self,
        sql: &str,
        types: &[Type],
    ) -> Result<Statement, DatabaseError> {
        self.bounded(self.client.prepare_typed(sql, types)).await
    }

    /// Runs what was prepared; the one row that it answers with.
    pub(crate) async fn execute(
        &self,
        statement: &Statement,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, DatabaseError> {
        self.bounded(self.client.query_one(statement, parameters))
            .await
    }

    /// Waits for one step of the database, and no longer than it may take.
    async fn bounded<T>(
        &self,
        step: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        bounded(self.patience, async { Ok(step.await?) }).await
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Closes the connection now, whatever is still on it.
    pub(crate) fn abandon(self) {
        self.task.abort();
    }
}

/// What every session of ours is set to, whatever the database's own defaults are.
const SETTINGS: &str = "
    SET synchronous_commit = on;
    SET default_transaction_isolation = 'read committed';
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SET idle_session_timeout = 0;
    SET jit = off;
    SET client_min_messages = warning;
    SET bytea_output = hex;
";

async fn bounded<T>(
    patience: Duration,
    step: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let done = timeout(patience, step).await;
    done.unwrap_or(Err(DatabaseError::NoAnswer))
}

async fn connect(settings: &Settings) -> Result<(Client, AbortHandle), DatabaseError> {
    let url = &settings.url.0;
    let mut config = url.config.clone();
    config.connect_timeout(settings.patience);
    config.tcp_user_timeout(settings.patience);
    if let Some(file) = &url.passfile {
        let password = crate::passfile::password(file, &config)?;
        config.password(password.as_bytes());
    }
    let Some(tls) = &url.tls else {
        let (client, connection) = config.connect(NoTls).await?;
        return Ok((client, drive(connection)));
    };
    let tls = tls_client(tls).map_err(DatabaseError::Tls)?;
    let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
    Ok((client, drive(connection)))
}

/// Keeps the connection going; how it ended is told to whoever waits for an answer.
fn drive<S>(connection: tokio_postgres::Connection<Socket, S>) -> AbortHandle
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(cause) = connection.await {
            tracing::debug!(error = %cause, "A connection to the database ended.");
        }
    })
    .abort_handle()
}

fn tls_client(files: &Tls) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&files.root)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match &files.own {
        Some((certificate, key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)?.collect();
            builder.with_client_auth_cert(chain?, PrivateKeyDer::from_pem_file(key)?)?
        }
        None => builder.with_no_client_auth(),
    })
}
