//! When a reader that hears nothing has to begin again.
//!
//! librdkafka may stop fetching a partition for good when its broker stood still and, on coming back, led
//! nothing for a moment: no error, no record, no end of the partition. Nothing inside the client tells that
//! from a log that is at its end. Another client knows where the end is: so a reader that is behind it and
//! hears nothing for long begins again with a client that knows nothing.

use std::time::{Duration, Instant};

/// What a slow broker may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Patience doubles up to this while beginning again brings nothing either.
const MOST_PATIENCE: Duration = Duration::from_secs(30);
/// The longest that counts between two reads: in between, nobody listened.
const LISTENED: Duration = Duration::from_millis(200);

/// How long nothing was heard although there was something.
#[derive(Debug)]
pub struct Quiet {
    patience: Duration,
    waited: Duration,
    last: Option<Instant>,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            patience: PATIENCE,
            waited: Duration::ZERO,
            last: None,
        }
    }
}

impl Quiet {
    /// After each read: whether there was more than was heard. Says whether patience has ended.
    pub fn is_over(&mut self, at: Instant, progress: bool, behind: bool) -> bool {
        let since = self
            .last
            .replace(at)
            .map_or(Duration::ZERO, |last| at - last);
        if progress {
            self.patience = PATIENCE;
        }
        if progress || !behind {
            self.waited = Duration::ZERO;
            return false;
        }
        self.waited += since.min(LISTENED);
        if self.waited < self.patience {
            return false;
        }
        self.waited = Duration::ZERO;
        self.patience = (self.patience * 2).min(MOST_PATIENCE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(100);

    /// After how many rounds in which there is more and nothing is heard patience ends.
    fn rounds(quiet: &mut Quiet, at: &mut Instant) -> u32 {
        for round in 1.. {
            *at += ROUND;
            if quiet.is_over(*at, false, true) {
                return round;
            }
        }
        unreachable!("patience ends")
    }

    #[test]
    fn patience_ends_doubles_and_comes_back_with_what_is_heard() {
        let (mut quiet, mut at) = (Quiet::default(), Instant::now());
        assert!(!quiet.is_over(at, false, false));
        let first = [rounds(&mut quiet, &mut at), rounds(&mut quiet, &mut at)];
        assert_eq!(first, [20, 40]);
        for _ in 0..5 {
            rounds(&mut quiet, &mut at);
        }
        assert_eq!(rounds(&mut quiet, &mut at), 300);
        at += ROUND;
        assert!(!quiet.is_over(at, true, true));
        assert_eq!(rounds(&mut quiet, &mut at), 20);
    }

    #[test]
    fn a_log_at_its_end_is_waited_for_without_end() {
        let (mut quiet, mut at) = (Quiet::default(), Instant::now());
        for _ in 0..1000 {
            at += ROUND;
            assert!(!quiet.is_over(at, false, false));
        }
    }

    #[test]
    fn a_time_in_which_nobody_listened_counts_for_little() {
        let (mut quiet, mut at) = (Quiet::default(), Instant::now());
        quiet.is_over(at, false, true);
        at += Duration::from_secs(60);
        assert!(!quiet.is_over(at, false, true));
        assert_eq!(rounds(&mut quiet, &mut at), 18);
    }
}
