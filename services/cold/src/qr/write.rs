//! Frames as files: a PNG each, and one GIF that shows them in turn.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use gif::{Encoder, Frame, Repeat};
use image::GrayImage;

use super::Code;
use crate::{ColdError, Result};

/// Pixels of a square.
const SCALE: u32 = 6;
/// Hundredths of a second that a frame of the GIF stands.
const DELAY: u16 = 20;
const WHITE_AND_BLACK: [u8; 6] = [255, 255, 255, 0, 0, 0];

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// `001.png` and on.
    pub frames: Vec<PathBuf>,
    /// All of them in one.
    pub animation: PathBuf,
}

/// Writes the codes of `texts` into `directory`, which is made when it isn't there.
///
/// # Errors
/// [`ColdError::File`]; [`ColdError::Usage`] when there are frames already: two messages would mix.
pub fn write(texts: &[String], directory: &Path) -> Result<Written> {
    std::fs::create_dir_all(directory).map_err(ColdError::file(directory))?;
    let mut present = std::fs::read_dir(directory).map_err(ColdError::file(directory))?;
    if present.next().is_some() {
        let shown = directory.display();
        return Err(ColdError::Usage(format!(
            "{shown} isn't empty: frames would mix with what is there"
        )));
    }
    let images = images(texts)?;
    let mut frames = Vec::with_capacity(images.len());
    for (index, image) in images.iter().enumerate() {
        let path = directory.join(format!("{:03}.png", index + 1));
        image.save(&path).map_err(|error| failed(&path, error))?;
        frames.push(path);
    }
    let animation = directory.join("all.gif");
    animate(&images, &animation)?;
    Ok(Written { frames, animation })
}

fn images(texts: &[String]) -> Result<Vec<GrayImage>> {
    texts
        .iter()
        .map(|text| Ok(Code::of(text)?.image(SCALE)))
        .collect()
}

fn animate(images: &[GrayImage], path: &Path) -> Result<()> {
    let side = images.iter().map(GrayImage::width).max().unwrap_or(0);
    let side = u16::try_from(side).map_err(|_| ColdError::Usage("a frame is too large".into()))?;
    let file = BufWriter::new(File::create(path).map_err(ColdError::file(path))?);
    let mut encoder =
        Encoder::new(file, side, side, &WHITE_AND_BLACK).map_err(|error| failed(path, error))?;
    encoder
        .set_repeat(Repeat::Infinite)
        .map_err(|error| failed(path, error))?;
    for image in images {
        encoder
            .write_frame(&frame(image))
            .map_err(|error| failed(path, error))?;
    }
    Ok(())
}

fn frame(image: &GrayImage) -> Frame<'static> {
    let squares: Vec<u8> = image
        .as_raw()
        .iter()
        .map(|&pixel| u8::from(pixel < 128))
        .collect();
    let side = u16::try_from(image.width()).unwrap_or(u16::MAX);
    let mut frame = Frame::from_indexed_pixels(side, side, squares, None);
    frame.delay = DELAY;
    // A smaller code may follow a larger one.
    frame.dispose = gif::DisposalMethod::Background;
    frame
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> ColdError {
    ColdError::File(path.to_owned(), std::io::Error::other(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qr::{Source, watch};
    use std::ops::ControlFlow;

    fn read(path: &Path) -> Vec<String> {
        let mut seen = Vec::new();
        watch(&[Source::file(path)], &mut |text| {
            seen.push(text);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        seen
    }

    #[test]
    fn what_is_written_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let texts: Vec<String> = ["UR:BYTES/AEAD", "UR:BYTES/AEAE", &"UR:BYTES/".repeat(20)]
            .map(str::to_owned)
            .to_vec();
        let written = write(&texts, &directory.path().join("frames")).unwrap();
        assert_eq!(
            written
                .frames
                .iter()
                .flat_map(|path| read(path))
                .collect::<Vec<_>>(),
            texts
        );
        assert_eq!(read(&written.animation), texts);
    }

    #[test]
    fn frames_are_not_mixed_with_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("001.png"), b"old").unwrap();
        assert_eq!(
            write(&["A".to_owned()], directory.path())
                .unwrap_err()
                .name(),
            "USAGE"
        );
    }
}
