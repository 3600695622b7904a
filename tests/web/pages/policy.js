import '/harness.js';

import { countPerson } from '/person.js';

window.segmenting = window.outcome(countPerson());
