use image::{
    Rgb, RgbImage, Rgba, RgbaImage,
    codecs::{png::PngDecoder, webp::WebPEncoder},
};

use super::*;

fn opaque(width: u32, height: u32) -> DynamicImage {
    let color = |x: u32, y: u32| Rgb([x as u8, y as u8, 128]);
    RgbImage::from_fn(width, height, color).into()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|part| part == words)
}

/// The picture that comes out, which must be of the form that it is said to be.
#[track_caller]
fn shown(redone: &Redone) -> DynamicImage {
    let format = match redone.form {
        PictureForm::Jpeg => ImageFormat::Jpeg,
        PictureForm::Png => ImageFormat::Png,
    };
    let image = image::load_from_memory_with_format(&redone.bytes, format).unwrap();
    let size = (image.width(), image.height());
    assert_eq!(size, (redone.width, redone.height));
    image
}

#[track_caller]
fn refused(bytes: &[u8]) {
    let refusal = redo(bytes).unwrap_err();
    assert_eq!(refusal.code, semel_protocol::Code::InvalidRequest);
    assert_eq!(refusal.errors[0].pointer, "");
}

#[test]
fn p_picture_1_pictures_of_three_formats_are_read_and_written_anew() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let bytes = encoded(&opaque(30, 20), format);
        let redone = redo(&bytes).unwrap();
        assert_eq!(redone.form, PictureForm::Jpeg, "{format:?}");
        assert_ne!(redone.bytes, bytes, "{format:?}");
        let image = shown(&redone).to_rgb8();
        assert_eq!(image.dimensions(), (30, 20));
        let [red, green, blue] = image.get_pixel(15, 10).0;
        for (found, drawn) in [(red, 15), (green, 10), (blue, 128)] {
            assert!(found.abs_diff(drawn) < 20, "{format:?}: {found} of {drawn}");
        }
    }
}

#[test]
fn p_picture_1_what_is_seen_through_stays_so() {
    let mut image = RgbaImage::from_pixel(9, 9, Rgba([1, 2, 3, 255]));
    let whole = redo(&encoded(&image.clone().into(), ImageFormat::Png)).unwrap();
    assert_eq!(whole.form, PictureForm::Jpeg);
    image.put_pixel(4, 4, Rgba([1, 2, 3, 0]));
    let redone = redo(&encoded(&image.clone().into(), ImageFormat::WebP)).unwrap();
    assert_eq!(redone.form, PictureForm::Png);
    assert_eq!(shown(&redone).to_rgba8(), image);
}

#[test]
fn p_picture_1_large_pictures_get_small_and_small_ones_stay() {
    for (from, to) in [
        ((512, 512), (512, 512)),
        ((513, 10), (512, 10)),
        ((1024, 256), (512, 128)),
        ((300, 1200), (128, 512)),
        ((4096, 1), (512, 1)),
        ((1, 1), (1, 1)),
    ] {
        let redone = redo(&encoded(&opaque(from.0, from.1), ImageFormat::Png)).unwrap();
        assert_eq!((redone.width, redone.height), to, "{from:?}");
        shown(&redone);
    }
}

#[test]
fn p_picture_3_what_has_too_many_pixels_is_refused_before_it_is_decoded() {
    for (width, height) in [(4097, 1), (1, 4097)] {
        refused(&encoded(&opaque(width, height), ImageFormat::Png));
    }
    // The header of a small file says that it is 65,535 × 65,535.
    let mut bomb = encoded(&opaque(8, 8), ImageFormat::Jpeg);
    let start = bomb.windows(2).position(|part| part == [0xff, 0xc0]);
    let start = start.unwrap();
    bomb[start + 5..start + 9].fill(0xff);
    refused(&bomb);
}

#[test]
fn p_picture_1_where_a_photo_was_taken_is_not_kept_and_it_is_turned_upright() {
    // One entry: orientation 6, a quarter turn to the right. What comes after the directory is found by words only.
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"GPS 52.5200 N");
    let image = RgbImage::from_fn(40, 20, |x, _| Rgb([if x < 20 { 255 } else { 0 }; 3]));
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_exif_metadata(exif).unwrap();
    let color = ExtendedColorType::Rgb8;
    encoder.write_image(&image, 40, 20, color).unwrap();
    assert!(has(&bytes, b"GPS"));
    let redone = redo(&bytes).unwrap();
    assert_eq!((redone.width, redone.height), (20, 40));
    for words in [b"GPS".as_slice(), b"Exif", b"52.5200"] {
        assert!(!has(&redone.bytes, words));
    }
    let upright = shown(&redone).to_rgb8();
    assert!(
        upright.get_pixel(10, 3).0[0] > 200,
        "what was left is on top"
    );
    assert!(upright.get_pixel(10, 36).0[0] < 50);
}

#[test]
fn p_picture_1_what_else_a_file_holds_is_not_kept() {
    let script = b"<script>alert(1)</script>";
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let mut bytes = encoded(&opaque(8, 8), format);
        bytes.extend_from_slice(script);
        let redone = redo(&bytes).unwrap();
        assert!(!has(&redone.bytes, b"script"), "{format:?}");
        shown(&redone);
    }
}

#[test]
fn p_picture_1_what_is_no_such_picture_is_refused() {
    let png = encoded(&opaque(64, 64), ImageFormat::Png);
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let cases: [&[u8]; 8] = [
        b"",
        b"{}",
        svg,
        b"<html>",
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\x04\0\0\0WEBP",
    ];
    for case in cases {
        refused(case);
    }
    for length in [png.len() / 4, png.len() / 2] {
        refused(&png[..length]);
    }
}

/// A chunk of RIFF.
fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_le_bytes();
    let padding = vec![0; body.len() % 2];
    [name.as_slice(), &length, body, &padding].concat()
}

/// The first frame of those that move: one canvas of the animation, which is red, then blue.
#[test]
fn p_picture_1_of_what_moves_the_first_frame_is_kept() {
    let frame = |color: [u8; 3]| {
        let mut bytes = Vec::new();
        let image = RgbImage::from_pixel(4, 4, Rgb(color));
        let encoder = WebPEncoder::new_lossless(&mut bytes);
        encoder
            .encode(&image, 4, 4, ExtendedColorType::Rgb8)
            .unwrap();
        // What comes after `RIFF`, the length and `WEBP`: one chunk.
        let body = [[0; 6].as_slice(), &[3, 0, 0, 3, 0, 0, 100, 0, 0, 0]].concat();
        chunk(*b"ANMF", &[&body, &bytes[12..]].concat())
    };
    let parts = [
        b"WEBP".to_vec(),
        chunk(*b"VP8X", &[2, 0, 0, 0, 3, 0, 0, 3, 0, 0]),
        chunk(*b"ANIM", &[0; 6]),
        frame([255, 0, 0]),
        frame([0, 0, 255]),
    ];
    let redone = redo(&chunk(*b"RIFF", &parts.concat())).unwrap();
    let [red, _, blue] = shown(&redone).to_rgb8().get_pixel(2, 2).0;
    assert!(red > 200 && blue < 50, "{red} {blue}");
}

/// A profile is packed: a small file may hold one that fills the memory.
#[test]
fn p_picture_3_what_is_packed_beside_the_pixels_is_not_unpacked() {
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    encoder.set_icc_profile(vec![7; 1_000_000]).unwrap();
    let image = opaque(30, 20);
    let color = ExtendedColorType::Rgb8;
    encoder
        .write_image(image.as_bytes(), 30, 20, color)
        .unwrap();
    let profile = |file: &[u8]| {
        let decoder = PngDecoder::new(Cursor::new(file));
        decoder.unwrap().icc_profile().unwrap()
    };
    assert_eq!(profile(&file).map(|profile| profile.len()), Some(1_000_000));
    assert_eq!(profile(&png::pixels_only(&file)), None);
    let plain = redo(&encoded(&image, ImageFormat::Png)).unwrap();
    assert_eq!(redo(&file).unwrap().bytes, plain.bytes);
}
