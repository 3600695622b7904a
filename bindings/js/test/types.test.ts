// Checked by the compiler; at run time there is nothing to do.
import { test } from 'node:test';

import { expectTypeOf } from 'expect-type';
import {
  DEEPLAB_V3_RESNET50,
  DeeplabLabel,
  ImageSegmentationModule,
  SELFIE_SEGMENTATION_EMBEDDED,
  SemanticSegmentationModule,
  type Segmentation,
  type SegmentationError,
  Segmenter,
  type ErrorCode,
  type ImageInput,
  type ResourceSource,
} from 'silhouette-seg';
import { useImageSegmentation } from 'silhouette-seg/react';

test('types of the documented API', () => {
  expectTypeOf<ResourceSource>().toEqualTypeOf<string | number | object>();
  expectTypeOf(DEEPLAB_V3_RESNET50).toExtend<ResourceSource>();
  expectTypeOf(ImageSegmentationModule.load).parameters.toEqualTypeOf<[modelSource: ResourceSource]>();
  expectTypeOf(ImageSegmentationModule.load).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(ImageSegmentationModule.onDownloadProgress).toBeCallableWith((fraction: number) => {
    void fraction;
  });

  const program = async (uri: string, some: DeeplabLabel[]): Promise<void> => {
    const out = await ImageSegmentationModule.forward(uri, [DeeplabLabel.CAT], true);
    expectTypeOf(out[DeeplabLabel.ARGMAX]).toEqualTypeOf<number[]>();
    expectTypeOf(out[DeeplabLabel.CAT]).toEqualTypeOf<number[]>();
    // @ts-expect-error a class that was not asked for
    void out[DeeplabLabel.DOG];

    const unknown = await ImageSegmentationModule.forward(uri, some);
    expectTypeOf(unknown[DeeplabLabel.ARGMAX]).toEqualTypeOf<number[]>();
    expectTypeOf(unknown[DeeplabLabel.CAT]).toEqualTypeOf<number[] | undefined>();

    // The type that react-native-executorch gives a result.
    const theirs: Partial<Record<DeeplabLabel, number[]>> = await ImageSegmentationModule.forward(uri, some);
    void theirs;
    // @ts-expect-error labels are numbers
    await ImageSegmentationModule.forward(uri, ['CAT']);
  };
  void program;
});

test('types of the modern API', () => {
  expectTypeOf(Segmenter.load).returns.resolves.toEqualTypeOf<Segmenter>();
  expectTypeOf<Segmenter['segment']>().returns.resolves.toEqualTypeOf<Segmentation>();
  expectTypeOf<Segmentation['argmax']>().toExtend<Int32Array>();
  expectTypeOf<Segmentation['probabilities']>().toExtend<ReadonlyMap<string, Float32Array>>();
  expectTypeOf<Segmenter>().toExtend<Disposable>();
  expectTypeOf<ImageData>().toExtend<ImageInput>();
  expectTypeOf<Buffer>().toExtend<ImageInput>();
  expectTypeOf<SegmentationError>().toExtend<Error>();
  expectTypeOf<SegmentationError['code']>().toEqualTypeOf<ErrorCode>();
  const construct = (): void => {
    // @ts-expect-error a constructed segmenter has no model
    new Segmenter();
  };
  void construct;
});

test('types of the selfie models', () => {
  const program = async (): Promise<void> => {
    const module = await SemanticSegmentationModule.fromModelName(SELFIE_SEGMENTATION_EMBEDDED);
    const { SELFIE } = await module.forward('photo.jpg', ['SELFIE']);
    expectTypeOf(SELFIE).toExtend<Float32Array>();
    // @ts-expect-error a class of other models
    await module.forward('photo.jpg', ['CAT']);
  };
  void program;
});

test('types of the hook', () => {
  type Hook = ReturnType<typeof useImageSegmentation>;
  expectTypeOf(useImageSegmentation).toBeCallableWith({ modelSource: DEEPLAB_V3_RESNET50 });
  expectTypeOf(useImageSegmentation).toBeCallableWith({ modelSource: 1, preventLoad: true });
  expectTypeOf<Hook['error']>().toEqualTypeOf<string | null>();
  expectTypeOf<Hook['isReady']>().toEqualTypeOf<boolean>();
  expectTypeOf<Hook['isGenerating']>().toEqualTypeOf<boolean>();
  expectTypeOf<Hook['downloadProgress']>().toEqualTypeOf<number>();
  const use = async ({ forward }: Hook): Promise<void> => {
    const out = await forward('photo.jpg', [DeeplabLabel.DOG]);
    expectTypeOf(out[DeeplabLabel.DOG]).toEqualTypeOf<number[]>();
  };
  void use;
});
