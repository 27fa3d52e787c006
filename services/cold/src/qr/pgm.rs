//! Grey images in a row, as `ffmpeg -f image2pipe -c:v pgm` writes them: a short text, then the pixels.

use std::io::{BufRead, Error, ErrorKind, Read, Result};

use image::GrayImage;

/// Pixels on a side; no camera has more.
const MAX_SIDE: u32 = 8_192;

/// The next image, or none at the end.
pub fn next(stream: &mut impl BufRead) -> Result<Option<GrayImage>> {
    if stream.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let magic = word(stream)?;
    let (width, height, brightest) = (number(stream)?, number(stream)?, number(stream)?);
    if magic != "P5" || brightest != 255 || width.max(height) > MAX_SIDE || width.min(height) == 0 {
        return Err(Error::new(
            ErrorKind::InvalidData,
            "no grey image of 8 bits a pixel",
        ));
    }
    let mut pixels = vec![0; width as usize * height as usize];
    stream.read_exact(&mut pixels)?;
    Ok(GrayImage::from_raw(width, height, pixels))
}

fn number(stream: &mut impl BufRead) -> Result<u32> {
    word(stream)?
        .parse()
        .map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

/// A word of the head and the one space after it.
fn word(stream: &mut impl BufRead) -> Result<String> {
    let mut word = String::new();
    for byte in stream.take(16).bytes() {
        let byte = byte?;
        if byte.is_ascii_whitespace() {
            return Ok(word);
        }
        word.push(char::from(byte));
    }
    Err(Error::new(ErrorKind::InvalidData, "no grey image"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_follow_one_another() {
        let mut stream: &[u8] = b"P5\n2 1\n255\n\x00\xffP5 1 1 255 \x07";
        assert_eq!(next(&mut stream).unwrap().unwrap().as_raw(), &[0, 255]);
        assert_eq!(next(&mut stream).unwrap().unwrap().as_raw(), &[7]);
        assert!(next(&mut stream).unwrap().is_none());
    }

    #[test]
    fn what_is_no_such_image_is_refused() {
        for wrong in [
            &b"P6\n1 1\n255\n\0\0\0"[..],
            b"P5\n99999 1\n255\n",
            b"P5\n2 2\n255\n\0",
            b"xxxxxxxxxxxxxxxxxxxxxxx",
        ] {
            assert!(next(&mut &wrong[..]).is_err());
        }
    }
}
