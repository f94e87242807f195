//! QR codes, drawn as SVG.

use qrcode::{EcLevel, QrCode, render::svg};

/// `text` as a QR code: black on white with its quiet zone, so that it can be read from a dark window too. An SVG document.
///
/// # Errors
/// [`TooLongForQr`]: more than fits into the largest code.
pub fn qr_svg(text: &str) -> Result<String, TooLongForQr> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLongForQr)?;
    Ok(code
        .render::<svg::Color<'_>>()
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .min_dimensions(256, 256)
        .build())
}

/// More than fits into a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too long for a QR code")]
pub struct TooLongForQr;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_an_svg_and_shows_nothing_but_squares() {
        let drawn = qr_svg("outis:<script>alert(1)</script>").unwrap();
        assert!(drawn.contains("<svg") && drawn.trim_end().ends_with("</svg>"));
        assert!(!drawn.contains("script"));
        assert_eq!(qr_svg(&"a".repeat(3000)), Err(TooLongForQr));
    }
}
