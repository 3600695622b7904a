/**
 * The 21 classes of PASCAL VOC in the order of DeepLab's channels, and `ARGMAX`, the key of the class map in a result of
 * {@link ImageSegmentationModule.forward}.
 */
export enum DeeplabLabel {
  BACKGROUND = 0,
  AEROPLANE = 1,
  BICYCLE = 2,
  BIRD = 3,
  BOAT = 4,
  BOTTLE = 5,
  BUS = 6,
  CAR = 7,
  CAT = 8,
  CHAIR = 9,
  COW = 10,
  DININGTABLE = 11,
  DOG = 12,
  HORSE = 13,
  MOTORBIKE = 14,
  PERSON = 15,
  POTTEDPLANT = 16,
  SHEEP = 17,
  SOFA = 18,
  TRAIN = 19,
  TVMONITOR = 20,
  ARGMAX = 21,
}
