import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';

import { CameraScreen } from './components/camera-screen.js';
import { Footer } from './components/footer.js';
import { Header, type Screen } from './components/header.js';
import { Home } from './components/home.js';
import { ModelDialog } from './components/model-dialog.js';
import { PhotoScreen } from './components/photo-screen.js';
import { ProblemBanner } from './components/problem-banner.js';
import { useAnalysis } from './hooks/use-analysis.js';
import { useIncoming } from './hooks/use-incoming.js';
import { useModel } from './hooks/use-model.js';
import { useTheme } from './hooks/use-theme.js';
import { sortIncoming, type Incoming } from './lib/incoming.js';
import { EVERYDAY, ownModel, VIDEO } from './lib/models.js';
import { openPhoto, type Photo } from './lib/photo.js';
import { Problem, problemOf } from './lib/problems.js';
import type { Sample } from './lib/samples.js';

export function App(): ReactNode {
  const [screen, setScreen] = useState<Screen>('photo');
  const [photo, setPhoto] = useState<Photo | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [choosing, setChoosing] = useState(false);
  // What was focused on the screen before is gone; the next Tab leads into what there is now.
  const main = useRef<HTMLElement>(null);
  const shown = useRef<unknown>(screen);
  const now = screen === 'camera' ? screen : (photo ?? 'photo');
  useEffect(() => {
    if (shown.current !== now) main.current?.focus({ preventScroll: true });
    shown.current = now;
  }, [now]);

  const closeModels = useCallback(() => {
    setChoosing(false);
  }, []);
  const report = useCallback((what: Problem) => {
    setProblem(what);
  }, []);

  const photoModel = useModel(EVERYDAY, true, report);
  const cameraModel = useModel(VIDEO, screen === 'camera', report);
  const model = screen === 'camera' ? cameraModel : photoModel;
  const { analysis, looking } = useAnalysis(photo, photoModel.current, report);
  const turnTheme = useTheme();

  const show = (next: Photo): void => {
    setProblem(undefined);
    setPhoto(next);
    setScreen('photo');
  };

  const take = async (incoming: Incoming): Promise<void> => {
    if (incoming.kind === 'photo') {
      show(await openPhoto(incoming.file, incoming.file.name));
      return;
    }
    const { current, given } = model;
    const file = incoming.kind === 'model' ? incoming.file : (given ?? current?.choice)?.source;
    if (!(file instanceof File))
      throw new Problem('unknown-file', 'labels came without a model of your own to go with');
    setProblem(undefined);
    model.choose(ownModel(file, incoming.labels));
  };

  const receive = (files: File[]): void => {
    sortIncoming(files)
      .then(take)
      .catch((error: unknown) => {
        report(problemOf(error));
      });
  };
  const over = useIncoming(receive);

  const openSample = ({ url, name }: Sample): void => {
    fetch(url)
      .then((response) => {
        if (!response.ok) throw new Problem('download', `${url}: ${String(response.status)}`);
        return response.blob();
      })
      .then((file) => openPhoto(file, name))
      .then(show)
      .catch((error: unknown) => {
        report(error instanceof TypeError ? new Problem('download', `${url}: ${error.message}`) : problemOf(error));
      });
  };

  const banner =
    problem === undefined ? null : (
      <ProblemBanner
        problem={problem}
        onClose={() => {
          setProblem(undefined);
        }}
      />
    );
  return (
    <div className={over ? 'page over' : 'page'}>
      <Header
        screen={screen}
        model={model}
        onScreen={setScreen}
        onHome={() => {
          setScreen('photo');
          setPhoto(undefined);
        }}
        onModels={() => {
          setChoosing(true);
        }}
        onTheme={turnTheme}
      />
      <main ref={main} tabIndex={-1}>
        {choosing ? null : banner}
        {screen === 'camera' ? (
          <CameraScreen model={cameraModel} onPhoto={show} report={report} />
        ) : photo === undefined ? (
          <Home
            onFiles={receive}
            onSample={openSample}
            onCamera={() => {
              setScreen('camera');
            }}
          />
        ) : (
          <PhotoScreen
            photo={photo}
            analysis={analysis}
            looking={looking}
            model={photoModel}
            onFiles={receive}
            report={report}
          />
        )}
      </main>
      <Footer />
      <ModelDialog open={choosing} model={model} onClose={closeModels} onFiles={receive}>
        {choosing ? banner : null}
      </ModelDialog>
      <div className="drop" aria-hidden="true">
        <p>Let go, and Silhouette looks.</p>
      </div>
    </div>
  );
}
