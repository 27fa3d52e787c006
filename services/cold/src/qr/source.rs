//! Where frames come from: images, animations, directories of them, videos, a camera.

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, DynamicImage, GrayImage, ImageReader, Limits};

use super::{find, pgm};
use crate::{ColdError, Result};

/// Bytes that decoding one image may take.
const MAX_ALLOCATION: u64 = 512 * 1024 * 1024;

/// One place to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file or a directory; its kind is told by the name's ending.
    File(PathBuf),
    /// A video device of Linux. Untested where there is no camera.
    Camera(PathBuf),
}

/// Is told every text that is seen, until it says that it has enough.
pub type Seen<'a> = dyn FnMut(String) -> Result<ControlFlow<()>> + 'a;

impl Source {
    /// A file or a directory.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

/// Looks at one source after the other.
///
/// # Errors
/// [`ColdError::File`] for what can't be read, and whatever `seen` says.
pub fn watch(sources: &[Source], seen: &mut Seen<'_>) -> Result<()> {
    for source in sources {
        let flow = match source {
            Source::File(path) if path.is_dir() => directory(path, seen)?,
            Source::File(path) => file(path, seen)?,
            Source::Camera(path) => film(&["-f", "v4l2", "-i"], path, seen)?,
        };
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// Images alone, by name; an animation beside its own frames would show them twice, which does no harm.
fn directory(path: &Path, seen: &mut Seen<'_>) -> Result<ControlFlow<()>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(ColdError::file(path))? {
        let file = entry.map_err(ColdError::file(path))?.path();
        if matches!(ending(&file).as_str(), "png" | "gif") {
            files.push(file);
        }
    }
    files.sort();
    for path in files {
        if file(&path, seen)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn file(path: &Path, seen: &mut Seen<'_>) -> Result<ControlFlow<()>> {
    match ending(path).as_str() {
        "png" => show(&still(path)?, seen),
        "gif" => animation(path, seen),
        _ => film(&["-i"], path, seen),
    }
}

fn ending(path: &Path) -> String {
    path.extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase()
}

fn show(image: &GrayImage, seen: &mut Seen<'_>) -> Result<ControlFlow<()>> {
    for text in find::texts(image) {
        if seen(text)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits
}

fn still(path: &Path) -> Result<GrayImage> {
    let mut reader = ImageReader::open(path).map_err(ColdError::file(path))?;
    reader.limits(limits());
    Ok(reader
        .decode()
        .map_err(|error| failed(path, error))?
        .into_luma8())
}

fn animation(path: &Path, seen: &mut Seen<'_>) -> Result<ControlFlow<()>> {
    use image::ImageDecoder;
    let file = BufReader::new(File::open(path).map_err(ColdError::file(path))?);
    let mut decoder = GifDecoder::new(file).map_err(|error| failed(path, error))?;
    decoder
        .set_limits(limits())
        .map_err(|error| failed(path, error))?;
    for frame in decoder.into_frames() {
        let frame = frame.map_err(|error| failed(path, error))?;
        let image = DynamicImage::ImageRgba8(frame.into_buffer()).into_luma8();
        if show(&image, seen)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Every image of a video or a camera, by `ffmpeg`.
fn film(input: &[&str], path: &Path, seen: &mut Seen<'_>) -> Result<ControlFlow<()>> {
    let (mut ffmpeg, out) = ffmpeg(input, path)?;
    let mut images = BufReader::new(out);
    let flow = loop {
        match pgm::next(&mut images) {
            Ok(None) => break Ok(ControlFlow::Continue(())),
            Ok(Some(image)) => match show(&image, seen) {
                Ok(ControlFlow::Continue(())) => {}
                ended => break ended,
            },
            Err(error) => break Err(ColdError::File(path.to_owned(), error)),
        }
    };
    drop(images);
    ended(&mut ffmpeg, path, flow)
}

fn ffmpeg(input: &[&str], path: &Path) -> Result<(Child, ChildStdout)> {
    let program = std::env::var_os("OUTCRY_FFMPEG").unwrap_or_else(|| "ffmpeg".into());
    // "file:" keeps a path from being taken for a protocol's address.
    let camera = input.contains(&"v4l2");
    let address = if camera {
        path.as_os_str().to_owned()
    } else {
        local(path)
    };
    let mut child = Command::new(&program)
        .args(["-nostdin", "-loglevel", "error"])
        .args(input)
        .arg(address)
        .args(["-f", "image2pipe", "-c:v", "pgm", "-pix_fmt", "gray", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            let reason = format!(
                "{} can't be started ({error}): videos and cameras need it",
                program.display()
            );
            ColdError::File(path.to_owned(), std::io::Error::new(error.kind(), reason))
        })?;
    let out = child.stdout.take();
    let out = out.ok_or_else(|| ColdError::System("ffmpeg has no output".into()))?;
    Ok((child, out))
}

fn local(path: &Path) -> std::ffi::OsString {
    let mut address = std::ffi::OsString::from("file:");
    address.push(path);
    address
}

/// Whoever has seen enough ends `ffmpeg`; one that ended by itself must have done so well.
fn ended(
    ffmpeg: &mut Child,
    path: &Path,
    flow: Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    if !matches!(flow, Ok(ControlFlow::Continue(()))) {
        // It may have ended in between.
        let _ = ffmpeg.kill();
        ffmpeg.wait().map_err(ColdError::file(path))?;
        return flow;
    }
    let status = ffmpeg.wait().map_err(ColdError::file(path))?;
    if status.success() {
        flow
    } else {
        let reason = format!("ffmpeg can't read it ({status})");
        Err(ColdError::File(
            path.to_owned(),
            std::io::Error::other(reason),
        ))
    }
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> ColdError {
    ColdError::File(path.to_owned(), std::io::Error::other(error))
}
