//! QR codes in a terminal: two squares a character.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Code;
use crate::Result;

/// Black on white whatever the terminal's colours are.
const COLOURS: &str = "\x1b[30;107m";
const PLAIN: &str = "\x1b[0m";
const HOME: &str = "\x1b[H";
const CLEAR: &str = "\x1b[2J\x1b[H";
/// Time that a frame stands: cameras take 15 images a second or more.
const STANDS: Duration = Duration::from_millis(200);

/// The code in half blocks.
#[must_use]
pub fn half_blocks(code: &Code) -> String {
    let side = code.side();
    let mut shown = String::new();
    for y in (0..side).step_by(2) {
        shown.push_str(COLOURS);
        for x in 0..side {
            shown.push(match (code.is_dark(x, y), code.is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        shown.push_str(PLAIN);
        shown.push('\n');
    }
    shown
}

/// Shows the frames in turn until a line comes from standard input.
///
/// # Errors
/// [`crate::ColdError::Usage`] when a text fits no code, [`crate::ColdError::File`] when the terminal is gone.
pub fn animate(texts: &[String]) -> Result<()> {
    let drawn = texts
        .iter()
        .map(|text| Ok(half_blocks(&Code::of(text)?)))
        .collect::<Result<Vec<_>>>()?;
    let (told, asked) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        let _ = told.send(());
    });
    let mut out = std::io::stdout();
    let mut show = |text: &str| {
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| crate::ColdError::File("standard output".into(), error))
    };
    show(CLEAR)?;
    for (turn, frame) in drawn.iter().enumerate().cycle() {
        show(&format!(
            "{HOME}{frame}frame {} of {}; Enter when it is read\x1b[K\n",
            turn + 1,
            drawn.len()
        ))?;
        match asked.recv_timeout(STANDS) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_as_wide_as_the_code() {
        let code = Code::of("UR:PSBT/AEADAOLAZMJENDEOTI").unwrap();
        let shown = half_blocks(&code);
        assert_eq!(shown.lines().count(), code.side().div_ceil(2));
        for line in shown.lines() {
            let squares = line.trim_start_matches(COLOURS).trim_end_matches(PLAIN);
            assert_eq!(squares.chars().count(), code.side());
        }
    }
}
