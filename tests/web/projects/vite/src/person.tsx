import { useState } from 'react';
import { SELFIE_SEGMENTATION_EMBEDDED } from 'silhouette-seg';
import { useImageSegmentation } from 'silhouette-seg/react';

/** The hook of react-native-executorch, as its documentation uses it. */
export function Person({ photo }: { photo: string }) {
  const model = useImageSegmentation({ modelSource: SELFIE_SEGMENTATION_EMBEDDED });
  const [person, setPerson] = useState<number>();
  if (model.error !== null) return <p role="alert">{String(model.error)}</p>;
  if (!model.isReady) return <progress value={model.downloadProgress} />;
  const find = async () => {
    const { ARGMAX } = await model.forward(photo, [], true);
    setPerson(ARGMAX.reduce((sum, label) => sum + label, 0));
  };
  return (
    <>
      <button disabled={model.isGenerating} onClick={() => void find()}>
        Find the person
      </button>
      {person !== undefined && <output>{person}</output>}
    </>
  );
}
