//! Images: bytes, PNG files and errors.

use booster::logging::{Image, Point, PointData, Sink};
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Creates an image of 2 rows and 3 columns whose values encode channel, row and column.
fn colors() -> Tensor {
    let values = (0..18).map(|index| u8::try_from(index / 6 * 100 + index / 3 % 2 * 10 + index % 3).unwrap_or(255));
    Tensor::from_slice(&values.collect::<Vec<_>>()).view([3, 2, 3])
}

#[test]
fn pixels_lie_row_by_row_with_their_channels_together() -> Outcome {
    let image = Image::from_tensor(&colors())?;
    assert_eq!((image.width(), image.height(), image.is_gray()), (3, 2, false));
    assert_eq!(image.pixels(), [0, 100, 200, 1, 101, 201, 2, 102, 202, 10, 110, 210, 11, 111, 211, 12, 112, 212]);
    let gray = Image::from_tensor(&colors().narrow(0, 1, 1))?;
    assert_eq!((gray.is_gray(), gray.pixels()), (true, &[100, 101, 102, 110, 111, 112][..]));
    Ok(())
}

#[test]
fn floats_are_scaled_and_clamped_and_keep_their_graph_to_themselves() -> Outcome {
    let tensor = Tensor::from_slice(&[-1.0f64, 0.0, 0.2, 1.0, 7.0, f64::NAN]).view([1, 2, 3]).set_requires_grad(true);
    assert_eq!(Image::from_tensor(&(tensor * 1.0))?.pixels(), [0, 0, 51, 255, 255, 0]);
    Ok(())
}

#[test]
fn reading_an_image_is_counted() -> Outcome {
    let before = booster::transfers::host_reads();
    Image::from_tensor(&colors())?.to_png()?;
    assert!(booster::transfers::host_reads() > before);
    Ok(())
}

#[test]
fn a_png_file_says_its_size_and_color() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (tensor, color) in [(colors(), 2), (colors().narrow(0, 0, 1), 0)] {
        let path = folder.path().join("image.png");
        let image = Image::from_tensor(&tensor)?;
        image.save_png(&path)?;
        let bytes = std::fs::read(&path)?;
        assert_eq!(bytes, image.to_png()?);
        // The signature; the header's length and name; width, height, depth and color (2 is RGB, 0 gray).
        assert_eq!(bytes[..16], *b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        assert_eq!(bytes[16..26], [0, 0, 0, 3, 0, 0, 0, 2, 8, color]);
        assert_eq!(bytes[bytes.len() - 8..bytes.len() - 4], *b"IEND");
    }
    let error = Image::from_tensor(&colors())?.save_png(folder.path()).map_err(|error| error.to_string());
    assert!(error.is_err_and(|error| error.starts_with("cannot write to `")));
    Ok(())
}

#[test]
fn what_is_no_image_is_refused() {
    let refused = |shape: &[i64], kind| {
        let error = Image::from_tensor(&Tensor::zeros(shape, (kind, Device::Cpu))).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    let expected = "Image: expected an image [1 or 3, height, width] of a floating kind or uint8, found";
    let shapes: [&[i64]; 4] = [&[8, 8], &[2, 8, 8], &[1, 1, 8, 8], &[1, 0, 8]];
    for shape in shapes {
        assert_eq!(refused(shape, Kind::Float), format!("{expected} shape {shape:?} of kind Float"));
    }
    assert_eq!(refused(&[1, 2, 2], Kind::Bool), format!("{expected} shape [1, 2, 2] of kind Bool"));
}

/// Records its input.
#[derive(Default)]
struct Kept(Vec<(u64, String, Option<Image>)>);

impl Sink for Kept {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> booster::Result<()> {
        for Point { group, name, data } in points {
            let image = if let PointData::Image(image) = data { Some((*image).clone()) } else { None };
            self.0.push((step, format!("{group}/{name}"), image));
        }
        Ok(())
    }
}

#[test]
fn any_sink_is_given_the_image() -> Outcome {
    let mut sink = Kept::default();
    let image = Image::from_tensor(&colors())?;
    image.log(&mut sink, "samples", "prior", 7)?;
    assert_eq!(sink.0, [(7, "samples/prior".to_owned(), Some(image))]);
    Ok(())
}
