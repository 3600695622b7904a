import { useCallback, useEffect, useState } from 'react';

import { cameraProblem, Problem } from '../lib/problems.js';

export interface Camera {
  readonly stream: MediaStream | undefined;
  readonly problem: Problem | undefined;
  /** Empty until the camera may be used: before that, browsers name none. */
  readonly devices: readonly MediaDeviceInfo[];
  readonly deviceId: string | undefined;
  readonly use: (deviceId: string) => void;
  readonly again: () => void;
}

interface CameraState {
  readonly stream?: MediaStream;
  readonly problem?: Problem;
  readonly devices?: readonly MediaDeviceInfo[];
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function open(deviceId: string | undefined): Promise<CameraState & { stream: MediaStream }> {
  if (!('mediaDevices' in navigator)) throw new Problem('camera-unsupported', 'navigator.mediaDevices is not there');
  const video: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: 'user' };
  if (deviceId !== undefined) video.deviceId = { exact: deviceId };
  const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return { stream, devices: devices.filter(({ kind }) => kind === 'videoinput') };
}

/** The camera, from when this is first rendered to when it goes. */
export function useCamera(): Camera {
  const [state, setState] = useState<CameraState>({});
  const [wish, setWish] = useState<{ deviceId: string | undefined; attempt: number }>({
    deviceId: undefined,
    attempt: 0,
  });

  useEffect(() => {
    let ended = false;
    let mine: MediaStream | undefined;
    open(wish.deviceId).then(
      (opened) => {
        mine = opened.stream;
        if (ended) {
          stop(mine);
          return;
        }
        setState(opened);
        // Unplugged, or taken away in the browser's settings.
        for (const track of mine.getVideoTracks()) {
          track.addEventListener('ended', () => {
            if (!ended) setState({ problem: new Problem('camera-missing', 'the camera’s track ended') });
          });
        }
      },
      (error: unknown) => {
        if (!ended) setState({ problem: cameraProblem(error) });
      },
    );
    return () => {
      ended = true;
      if (mine !== undefined) stop(mine);
      setState({});
    };
  }, [wish]);

  const use = useCallback((deviceId: string) => {
    setWish({ deviceId, attempt: 0 });
  }, []);
  const again = useCallback(() => {
    setWish(({ deviceId, attempt }) => ({ deviceId, attempt: attempt + 1 }));
  }, []);
  return {
    stream: state.stream,
    problem: state.problem,
    devices: state.devices ?? [],
    deviceId: state.stream?.getVideoTracks()[0]?.getSettings().deviceId,
    use,
    again,
  };
}
