//! Classifiers of small images.

use tch::{Tensor, nn};

/// The minimum height and width of images for [`cnn`], so that batch norm sees more than one value per channel even in
/// a batch of one image.
pub const LEAST_CNN_SIDE: i64 = 8;

/// Creates a convolutional network: two blocks of convolution, batch norm and pooling, then two linear layers.
///
/// It maps images `[batch, channels, height, width]`, with sides of at least [`LEAST_CNN_SIDE`], to logits
/// `[batch, classes]`.
pub fn cnn(path: &nn::Path<'_>, [channels, height, width]: [i64; 3], classes: i64) -> nn::SequentialT {
    let padded = nn::ConvConfig { padding: 1, ..Default::default() };
    let features = 32 * (height / 4) * (width / 4);
    nn::seq_t()
        .add(nn::conv2d(path / "conv1", channels, 16, 3, padded))
        .add_fn(|x| x.max_pool2d_default(2))
        .add(nn::batch_norm2d(path / "norm1", 16, nn::BatchNormConfig::default()))
        .add_fn(Tensor::relu)
        .add(nn::conv2d(path / "conv2", 16, 32, 3, padded))
        .add_fn(|x| x.max_pool2d_default(2))
        .add(nn::batch_norm2d(path / "norm2", 32, nn::BatchNormConfig::default()))
        .add_fn(|x| x.relu().flatten(1, -1))
        .add(nn::linear(path / "hidden", features, 128, nn::LinearConfig::default()))
        .add_fn_t(|x, train| x.relu().dropout(0.25, train))
        .add(nn::linear(path / "logits", 128, classes, nn::LinearConfig::default()))
}

/// Creates a multilayer perceptron with two hidden layers of width 256.
///
/// It maps images `[batch, channels, height, width]` to logits `[batch, classes]`.
pub fn mlp(path: &nn::Path<'_>, [channels, height, width]: [i64; 3], classes: i64) -> nn::SequentialT {
    nn::seq_t()
        .add_fn(|x| x.flatten(1, -1))
        .add(nn::linear(path / "hidden1", channels * height * width, 256, nn::LinearConfig::default()))
        .add_fn_t(|x, train| x.relu().dropout(0.25, train))
        .add(nn::linear(path / "hidden2", 256, 256, nn::LinearConfig::default()))
        .add_fn_t(|x, train| x.relu().dropout(0.25, train))
        .add(nn::linear(path / "logits", 256, classes, nn::LinearConfig::default()))
}
