//! Exit statuses (sysexits.h), and which of several wins.

use std::process::ExitCode;

use crate::diagnostic::Class;

/// The outcome of a run, ordered by how much it needs an operator.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Status {
    /// Everything is in place.
    #[default]
    Done,
    /// A dry run found something to do.
    Differences,
    /// Part of the input is invalid; everything else is in place.
    BadInput,
    /// Not in place yet.
    Later,
    /// A primary or a guard refused a change; an operator must act.
    Denied,
    /// The configuration or a key file cannot be used.
    BadConfiguration,
    /// The command line is invalid.
    Usage,
    /// A fault of the program.
    Internal,
}

impl Status {
    /// Returns the exit status of the process.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 1,
            Self::BadInput => 65,
            Self::Later => 75,
            Self::Denied => 69,
            Self::BadConfiguration => 78,
            Self::Usage => 64,
            Self::Internal => 70,
        }
    }

    /// Returns the word of the document for the status of a failure.
    pub(super) fn kind(self) -> &'static str {
        if self == Self::Later {
            "later"
        } else {
            "denied"
        }
    }

    /// Becomes `other` if an operator must act on that sooner.
    pub(super) fn or_worse(&mut self, other: Self) {
        *self = (*self).max(other);
    }
}

/// The status of a subject that is not in place: never that of success, whatever the catalogue says.
impl From<Class> for Status {
    fn from(class: Class) -> Self {
        match class {
            Class::Transient | Class::Unkept => Self::Later,
            Class::Permanent | Class::Input | Class::Setup | Class::Remark | Class::Context => {
                Self::Denied
            }
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_place_is_never_a_success() {
        for class in [
            Class::Permanent,
            Class::Input,
            Class::Setup,
            Class::Remark,
            Class::Context,
        ] {
            assert_eq!(Status::from(class), Status::Denied);
        }
        for class in [Class::Transient, Class::Unkept] {
            assert_eq!(Status::from(class), Status::Later);
        }
    }

    #[test]
    fn the_status_that_needs_a_person_wins() {
        let worst = [70, 78, 69, 75, 65, 1, 0];
        let order = [
            Status::Internal,
            Status::BadConfiguration,
            Status::Denied,
            Status::Later,
            Status::BadInput,
            Status::Differences,
            Status::Done,
        ];
        assert_eq!(order.map(Status::code).to_vec(), worst);
        let mut status = Status::Later;
        status.or_worse(Status::BadInput);
        assert_eq!(status, Status::Later);
        status.or_worse(Status::Denied);
        assert_eq!(status, Status::Denied);
    }
}
