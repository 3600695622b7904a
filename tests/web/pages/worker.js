import { countPerson } from './person.js';

countPerson().then(
  (found) => self.postMessage(found),
  (error) => self.postMessage({ error: String(error) }),
);
