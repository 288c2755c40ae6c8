//! Reads pictures that people upload, and writes them anew: what is kept is made of pixels, of nothing else in the file.

mod png;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, io::Cursor};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat,
    ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};
use semel_core::{Refusal, pictures::PictureForm};
use semel_protocol::limits::{PICTURE_KEPT_PIXELS_MAX, PICTURE_UPLOADED_PIXELS_MAX};

/// Bytes of what is decoded at once: 4096 × 4096 pixels of eight bits each.
const DECODED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Of 100.
const JPEG_QUALITY: u8 = 85;

/// A picture that was written anew.
#[derive(Debug)]
pub(crate) struct Redone {
    pub(crate) form: PictureForm,
    pub(crate) bytes: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Reads a picture and writes it anew, upright and small. Of those that move, the first one.
pub(crate) fn redo(bytes: &[u8]) -> Result<Redone, Refusal> {
    let image = read(bytes)?;
    let max = PICTURE_KEPT_PIXELS_MAX;
    let image = if image.width().max(image.height()) > max {
        image.thumbnail(max, max)
    } else {
        image
    };
    write(&image).map_err(|error| unreadable(&error))
}

/// What the file says of its size is compared before anything is decoded.
fn read(bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    let format = image::guess_format(bytes).ok();
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP];
    let format = format.filter(|format| known.contains(format));
    let format = format.ok_or_else(|| invalid("a PNG, JPEG or WebP picture"))?;
    let bytes = match format {
        ImageFormat::Png => Cow::Owned(png::pixels_only(bytes)),
        _ => Cow::Borrowed(bytes),
    };
    let mut reader = ImageReader::with_format(Cursor::new(&bytes[..]), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(2 * DECODED_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| unreadable(&error))?;
    let (width, height) = decoder.dimensions();
    let max = PICTURE_UPLOADED_PIXELS_MAX;
    if width.max(height) > max || decoder.total_bytes() > DECODED_BYTES_MAX {
        let detail = format!("at most {max} × {max} pixels of eight bits in each colour");
        return Err(invalid(&detail));
    }
    let orientation = decoder.orientation();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(&error))?;
    if let Ok(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

fn write(image: &DynamicImage) -> Result<Redone, ImageError> {
    let (width, height) = (image.width(), image.height());
    let rgba = image.color().has_alpha().then(|| image.to_rgba8());
    let see_through = rgba.filter(|rgba| rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX));
    let mut bytes = Vec::new();
    let form = if let Some(rgba) = see_through {
        let color = ExtendedColorType::Rgba8;
        PngEncoder::new(&mut bytes).write_image(&rgba, width, height, color)?;
        PictureForm::Png
    } else {
        let (rgb, color) = (image.to_rgb8(), ExtendedColorType::Rgb8);
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        encoder.write_image(&rgb, width, height, color)?;
        PictureForm::Jpeg
    };
    Ok(Redone {
        form,
        bytes,
        width,
        height,
    })
}

fn unreadable(error: &ImageError) -> Refusal {
    tracing::debug!(%error, "a picture was not read");
    invalid("a picture that is whole: this one cannot be read")
}

fn invalid(detail: &str) -> Refusal {
    Refusal::invalid("", detail)
}
