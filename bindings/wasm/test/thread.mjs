// A worker that is one of an engine's threads.
import { workerData } from 'node:worker_threads';

const { runThread } = await import(workerData.engine);
runThread(workerData.message);
