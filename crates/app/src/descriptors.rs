//! How many files and connections a process may have open.
//!
//! A relay holds up to 2 048 connections, a store's files and more; systems grant a process 1 024 or 256 at first, and more
//! if it asks.

/// For the beginning of a program: as many as the system grants. Where it grants fewer than a relay uses, connections are
/// refused when they are used up.
pub fn open_many() {
    #[cfg(unix)]
    system::raise();
}

#[cfg(unix)]
mod system {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    pub(super) fn raise() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // macOS says that there is no limit, and grants this much.
        let granted = [maximum, Some(10_240)].into_iter().find(|wanted| {
            let wanted = Rlimit {
                current: *wanted,
                maximum,
            };
            setrlimit(Resource::Nofile, wanted).is_ok()
        });
        if granted.is_none() {
            tracing::warn!(?current, "no more files could be allowed");
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_process_may_open_as_many_files_as_it_is_ever_granted() {
            let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
            let few = Rlimit {
                current: Some(64),
                maximum,
            };
            setrlimit(Resource::Nofile, few).expect("fewer are always granted");
            assert_eq!(getrlimit(Resource::Nofile).current, Some(64));
            raise();
            let now = getrlimit(Resource::Nofile).current;
            assert!(now == maximum || now == Some(10_240), "{now:?}");
        }
    }
}
