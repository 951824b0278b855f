//! The demonstration: forty simulated devices, and a script of attacks that the hub answers.
//!
//! Everything goes through the hub's own doors, as it would from other machines: EST, MQTT over mutual TLS, the
//! API with the administrator's token. The devices' keys are in memory only: a hub that is started again has
//! each of them claimed and enrolled anew.

mod backend;
mod cast;
mod life;
mod scene;
mod stage;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::hub::Hub;
use stage::Stage;

pub use cast::FLEET_SIZE;
pub use scene::Scene;

/// Who is told what happens, one sentence at a time.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// How much faster than for people the script goes; what is waited for takes its time all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    speed: u32,
}

impl Pace {
    /// So many times as fast as a person likes it.
    pub fn times(speed: u32) -> Self {
        Self {
            speed: speed.max(1),
        }
    }

    fn span(self, span: Duration) -> Duration {
        span / self.speed
    }
}

/// A demonstration at one hub.
#[derive(Debug)]
pub struct Demonstration {
    stage: Stage,
}

impl Demonstration {
    /// Claims and enrols the devices and lets them live.
    ///
    /// # Errors
    /// When the hub refuses a device, or cannot be reached.
    pub async fn begin(hub: Hub, pace: Pace, tell: Tell) -> Result<Self> {
        let stage = Stage::set(hub, pace, tell).await?;
        Ok(Self { stage })
    }

    /// Plays one scene, and tells what the journal says of it.
    ///
    /// # Errors
    /// When the hub did not do what the scene shows. Every device goes on with its life.
    pub async fn play(&mut self, scene: Scene) -> Result<()> {
        let stage = &mut self.stage;
        let from = stage.entries().await?;
        let number = scene.number();
        stage.tell(&format!(
            "\nScene {number} of {}: {}",
            Scene::ALL.len(),
            scene.title()
        ));
        let played = scene.play(stage).await;
        stage.tell_journal(from).await?;
        stage.everybody_lives();
        played.with_context(|| format!("scene {number} did not go as written"))
    }

    /// Plays the script again and again.
    pub async fn run(mut self) {
        loop {
            for scene in Scene::ALL {
                if let Err(cause) = self.play(scene).await {
                    self.stage.tell(&format!("{cause:#}"));
                }
                self.stage.beat().await;
            }
            self.stage
                .tell("\nThat was the whole script. It begins again; Ctrl-C ends it.");
            self.stage.rest().await;
        }
    }
}

/// A short span, for people.
fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1_000.0)
}

/// The longest that a session may outlive what ends it.
const END_MAX: Duration = Duration::from_secs(10);
