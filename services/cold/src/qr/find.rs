//! QR codes in an image.

use image::GrayImage;
use rqrr::PreparedImage;

/// The text of every code that can be read; what can't be is passed over, as a camera does.
#[must_use]
pub fn texts(image: &GrayImage) -> Vec<String> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = image.as_raw();
    let mut prepared =
        PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let grids = prepared.detect_grids();
    grids
        .iter()
        .filter_map(|grid| grid.decode().ok())
        .map(|(_, text)| text)
        .collect()
}
