//! COCO's object detection: images, categories, and boxes in pixels.

use std::collections::HashMap;

use flyball_core::{Error, Result};
use serde_json::{Value, json};

use super::{Everything, Format, Item, json_of, only, shown, wrong};
use crate::label::{BoundingBox, Label};
use crate::model::{Kind, Settings, Task};

/// Largest width or height of an image, in pixels: the most that common formats allow.
const PIXELS: u64 = 1 << 20;

fn list<'a>(whole: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    whole[key].as_array().ok_or_else(|| wrong("the file", format_args!("there is no list '{key}'")))
}

fn id(value: &Value, key: &str, place: &str) -> Result<i64> {
    value[key].as_i64().ok_or_else(|| wrong(place, format_args!("'{key}' is no whole number")))
}

pub(super) fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Item>> {
    only(settings, Kind::Boxes, Format::Coco)?;
    let whole = json_of(bytes)?;
    let mut categories: HashMap<i64, &str> = HashMap::new();
    for (at, category) in list(&whole, "categories")?.iter().enumerate() {
        let place = format!("category {}", at + 1);
        let name = category["name"].as_str().ok_or_else(|| wrong(&place, "it has no name"))?;
        categories.insert(id(category, "id", &place)?, name);
    }
    let mut items = Vec::new();
    let mut images: HashMap<i64, (usize, u32, u32)> = HashMap::new();
    let column = settings.image.as_deref().unwrap_or("image");
    for (at, image) in list(&whole, "images")?.iter().enumerate() {
        let place = format!("image {}", at + 1);
        let name = image["file_name"].as_str().ok_or_else(|| wrong(&place, "it has no file_name"))?;
        let size = |key: &str| {
            let pixels = image[key].as_u64().filter(|size| (1..=PIXELS).contains(size));
            pixels.map(|size| size as u32).ok_or_else(|| wrong(&place, format_args!("'{key}' is no size of an image")))
        };
        let (width, height) = (size("width")?, size("height")?);
        if images.insert(id(image, "id", &place)?, (at, width, height)).is_some() {
            return Err(wrong(&place, "another image has the same id"));
        }
        items.push((
            Item { data: json!({ column: name, "width": width, "height": height }), place, ..Item::default() },
            vec![],
        ));
    }
    for (at, annotation) in list(&whole, "annotations")?.iter().enumerate() {
        let place = format!("annotation {}", at + 1);
        let image = id(annotation, "image_id", &place)?;
        let &(image, width, height) =
            images.get(&image).ok_or_else(|| wrong(&place, format_args!("there is no image {image}")))?;
        let category = id(annotation, "category_id", &place)?;
        let class =
            categories.get(&category).ok_or_else(|| wrong(&place, format_args!("there is no category {category}")))?;
        let numbers: Option<Vec<f64>> =
            annotation["bbox"].as_array().and_then(|parts| parts.iter().map(Value::as_f64).collect());
        let Some([x, y, w, h]) = numbers.as_deref() else {
            return Err(wrong(&place, "its bbox is not four numbers").hint("segmentations without a box are not read"));
        };
        let (across, down) = (f64::from(width), f64::from(height));
        items[image].1.push(BoundingBox {
            x: x / across,
            y: y / down,
            width: w / across,
            height: h / down,
            class: (*class).to_owned(),
            image_width: Some(width),
            image_height: Some(height),
        });
    }
    // An image without boxes is one in which nothing is.
    let finished = items.into_iter().map(|(item, boxes): (Item, Vec<BoundingBox>)| {
        let answers = vec![(Some("coco".to_owned()), Some(Label::Boxes(boxes)))];
        Item { answers, ..item }
    });
    Ok(finished.collect())
}

/// The size of a task's image: as its boxes say, or its data.
fn size(task: &Task, boxes: &[BoundingBox]) -> Option<(u32, u32)> {
    let of_box = boxes.iter().find_map(|own| own.image_width.zip(own.image_height));
    let pixels = |key: &str| task.data[key].as_u64().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
    of_box.or_else(|| pixels("width").zip(pixels("height")))
}

pub(super) fn write(everything: &Everything) -> Result<Vec<u8>> {
    let settings = &everything.project.settings;
    only(settings, Kind::Boxes, Format::Coco)?;
    let agreed = everything.agreed();
    let column = settings.image.as_deref().unwrap_or("image");
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for task in &everything.tasks {
        let Some(Label::Boxes(boxes)) = agreed.get(&task.id).map(|one| &one.label) else { continue };
        let place = format!("task '{}'", shown(&task.key));
        let (width, height) = size(task, boxes).ok_or_else(|| {
            wrong(&place, "the size of its image is not known").hint("give the rows columns 'width' and 'height'")
        })?;
        let image = images.len() + 1;
        let name = task.data[column].as_str().unwrap_or(&task.key);
        images.push(json!({ "id": image, "file_name": name, "width": width, "height": height }));
        for own in boxes {
            let (across, down) = (f64::from(width), f64::from(height));
            let (w, h) = (own.width * across, own.height * down);
            annotations.push(json!({
                "id": annotations.len() + 1,
                "image_id": image,
                "category_id": settings.class(&own.class).map(|class| class + 1),
                "bbox": [own.x * across, own.y * down, w, h],
                "area": w * h,
                "iscrowd": 0,
            }));
        }
    }
    let category = |(at, class): (usize, &crate::Class)| json!({ "id": at + 1, "name": class.name });
    let categories: Vec<Value> = settings.classes.iter().enumerate().map(category).collect();
    let whole = json!({ "images": images, "annotations": annotations, "categories": categories });
    serde_json::to_vec_pretty(&whole).map_err(Error::internal)
}
