import type { Polygon, Rle, Segmentation } from 'silhouette-seg';

import { classTitle } from './names.js';

/** A class to write down. */
export interface ExportClass {
  readonly channel: number;
  readonly label: string;
}

export interface ExportPicture {
  readonly name: string;
  readonly classes: readonly ExportClass[];
  readonly segmentation: Segmentation;
  readonly modelTitle: string;
}

/** Outlines a pixel off can't be told from exact ones, and are a tenth as long. Specks are left out. */
const OUTLINES = { tolerance: 1, minArea: 16 };

function shareOf(area: number, { width, height }: Segmentation): number {
  return Number((area / (width * height)).toFixed(6));
}

/** What a program wants to know: sizes, classes with areas and boxes, and each class's pixels as COCO's run lengths. */
export async function toJson(picture: ExportPicture): Promise<object> {
  const { segmentation, classes } = picture;
  const { width, height, info } = segmentation;
  const found = [];
  for (const { channel, label } of classes) {
    const rle = await segmentation.toRle(channel);
    const { area, box } = rle;
    found.push({ number: channel, label, area, share: shareOf(area, segmentation), box, rle });
  }
  return { image: { name: picture.name, width, height }, model: info.model, timings: info.timings, classes: found };
}

/** x₀, y₀, x₁, y₁ … as GeoJSON's positions, closed. */
function ring(points: Int32Array): [number, number][] {
  const positions: [number, number][] = [];
  for (let i = 0; i + 1 < points.length; i += 2) positions.push([points[i] as number, points[i + 1] as number]);
  const [first] = positions;
  if (first !== undefined) positions.push([...first]);
  return positions;
}

function feature(polygon: Polygon, { channel, label }: ExportClass, segmentation: Segmentation): object {
  const { area, box } = polygon;
  return {
    type: 'Feature',
    properties: { class: channel, label, title: classTitle(label), area, share: shareOf(area, segmentation), box },
    geometry: { type: 'Polygon', coordinates: [ring(polygon.outer), ...polygon.holes.map(ring)] },
  };
}

/** GeoJSON but for its coordinates, which are pixels: x to the right, y down. */
export async function toGeoJson(picture: ExportPicture): Promise<object> {
  const { segmentation, classes, name } = picture;
  const features = [];
  for (const item of classes) {
    const polygons = await segmentation.toPolygons(item.channel, OUTLINES);
    features.push(...polygons.map((polygon) => feature(polygon, item, segmentation)));
  }
  const { width, height } = segmentation;
  return { type: 'FeatureCollection', image: { name, width, height, units: 'pixels, y down' }, features };
}

/** COCO's polygons know no holes; where there are some, its run lengths say it exactly. */
function cocoShape(polygons: readonly Polygon[], rle: Rle): number[][] | ReturnType<Rle['toJSON']> {
  const simple = polygons.length > 0 && polygons.every((polygon) => polygon.holes.length === 0);
  return simple ? polygons.map((polygon) => [...polygon.outer]) : rle.toJSON();
}

/** A data set of one image, one annotation a class, as COCO's tools read it. */
export async function toCoco(picture: ExportPicture): Promise<object> {
  const { segmentation, classes, name } = picture;
  const { width, height, labels } = segmentation;
  const annotations = [];
  for (const { channel } of classes) {
    const rle = await segmentation.toRle(channel);
    const polygons = await segmentation.toPolygons(channel, OUTLINES);
    annotations.push({
      id: annotations.length + 1,
      image_id: 1,
      category_id: channel,
      segmentation: cocoShape(polygons, rle),
      area: rle.area,
      bbox: rle.box,
      iscrowd: 0,
    });
  }
  return {
    info: { description: `${name}, segmented by Silhouette (${picture.modelTitle})` },
    images: [{ id: 1, file_name: name, width, height }],
    categories: labels.map((label, id) => ({ id, name: label, supercategory: '' })),
    annotations,
  };
}
