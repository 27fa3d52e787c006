//! One QR code as squares.

use image::{GrayImage, Luma};
use qrcode::{Color, EcLevel, QrCode};

use crate::{ColdError, Result};

/// Light squares around it, as the standard wants.
pub const QUIET: usize = 4;

/// Dark and light squares.
pub struct Code {
    dark: Vec<bool>,
    width: usize,
}

impl Code {
    /// Of a text; upper-case letters and digits take the least room.
    ///
    /// # Errors
    /// [`ColdError::Usage`] for a text that no QR code holds.
    pub fn of(text: &str) -> Result<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| {
            ColdError::Usage(format!("a frame is too large for a QR code: {error}"))
        })?;
        let width = code.width();
        let dark = code
            .to_colors()
            .iter()
            .map(|&color| color == Color::Dark)
            .collect();
        Ok(Self { dark, width })
    }

    /// Squares on a side, the quiet zone included.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// Whether a square is dark; those around the code are light.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |place: usize| place.checked_sub(QUIET).filter(|&place| place < self.width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.dark[y * self.width + x],
            _ => false,
        }
    }

    /// An image with `scale` pixels for a square.
    #[must_use]
    pub fn image(&self, scale: u32) -> GrayImage {
        let side = u32::try_from(self.side()).unwrap_or(u32::MAX) * scale;
        GrayImage::from_fn(side, side, |x, y| {
            let dark = self.is_dark((x / scale) as usize, (y / scale) as usize);
            Luma([if dark { 0 } else { 255 }])
        })
    }
}
