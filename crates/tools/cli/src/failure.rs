//! Why a command came to nothing, in words for the person who gave it.

use std::fmt;
use std::process::ExitCode;

use ironroot_api::{FieldFault, Problem};

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command cannot be meant like this.
    Usage(String),
    /// The hub refused, and its own answer says why.
    Refused {
        problem: Box<Problem>,
        /// The answer as it came.
        json: String,
    },
    /// Whoever reads the output has read enough, as `head` does.
    ReadEnough,
    /// Something else stood in the way.
    Other(anyhow::Error),
}

impl Failure {
    /// 0 when the reader had enough, 1 for what was refused or not possible, 2 for what was not understood.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::ReadEnough => 0,
            Self::Refused { .. } | Self::Other(_) => 1,
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Self::Other(cause)
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        match cause.kind() {
            std::io::ErrorKind::BrokenPipe => Self::ReadEnough,
            _ => Self::Other(cause.into()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "error: {text}"),
            Self::ReadEnough => Ok(()),
            Self::Other(cause) => write!(f, "error: {cause:#}"),
            Self::Refused { problem, .. } => {
                write!(f, "refused: {}", problem.detail)?;
                let unsaid = |fault: &&FieldFault| !problem.detail.contains(&fault.detail);
                for fault in problem.fields.iter().filter(unsaid) {
                    write!(f, "\n  {}: {}", fault.field, fault.detail)?;
                }
                if let Some(reference) = &problem.reference {
                    write!(f, "\n  the hub's log has the cause under {reference}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_fields_and_the_place_in_the_log() {
        let problem = Problem {
            kind: "urn:ironroot:problem:bad-request".to_owned(),
            title: "The request is not right".to_owned(),
            status: 400,
            detail: "The claim was not made: mend the field and try again.".to_owned(),
            reference: Some("7F3A".to_owned()),
            fields: vec![FieldFault::new(
                "ttl_s",
                "5 seconds; a claim lives 60 or more",
            )],
        };
        let refused = Failure::Refused {
            problem: Box::new(problem),
            json: String::new(),
        };
        assert_eq!(
            refused.to_string(),
            "refused: The claim was not made: mend the field and try again.\n  \
             ttl_s: 5 seconds; a claim lives 60 or more\n  \
             the hub's log has the cause under 7F3A"
        );
        assert_eq!(refused.exit_code(), ExitCode::from(1));
    }

    #[test]
    fn a_field_that_the_hubs_sentence_names_is_not_named_again() {
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status: 400,
            detail: "why: it is too long.".to_owned(),
            reference: None,
            fields: vec![FieldFault::new("why", "it is too long")],
        };
        let refused = Failure::Refused {
            problem: Box::new(problem),
            json: String::new(),
        };
        assert_eq!(refused.to_string(), "refused: why: it is too long.");
    }

    #[test]
    fn what_is_not_understood_has_an_exit_code_of_its_own() {
        assert_eq!(Failure::Usage(String::new()).exit_code(), ExitCode::from(2));
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_failure() {
        let closed = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert_eq!(Failure::from(closed).exit_code(), ExitCode::SUCCESS);
    }
}
