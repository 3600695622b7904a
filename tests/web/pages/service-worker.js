import { countPerson } from './person.js';

self.addEventListener('message', (event) => {
  const [port] = event.ports;
  event.waitUntil(
    countPerson().then(
      (found) => port.postMessage(found),
      (error) => port.postMessage({ error: String(error) }),
    ),
  );
});
