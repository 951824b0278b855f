//! How the parts of the hub learn that it is shutting down.

use tokio::sync::watch;

/// The one who says when.
#[derive(Debug)]
pub struct Drainer(watch::Sender<bool>);

/// One who waits for it.
#[derive(Clone, Debug)]
pub struct Drain(watch::Receiver<bool>);

impl Drainer {
    /// A drainer and the first of those who wait for it.
    pub fn new() -> (Self, Drain) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Drain(receiver))
    }

    /// Begins the shutdown.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Resolves when the shutdown has begun; also when its [`Drainer`] is gone.
    pub async fn begun(&mut self) {
        let _gone = self.0.wait_for(|begun| *begun).await;
    }
}
