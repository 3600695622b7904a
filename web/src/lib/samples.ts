import astronaut from '../../../models/samples/astronaut.png';
import bird from '../../../models/samples/bird.png';
import chelsea from '../../../models/samples/chelsea.png';
import astronautSmall from '../assets/astronaut-small.webp';
import birdSmall from '../assets/bird-small.webp';
import chelseaSmall from '../assets/chelsea-small.webp';

export interface Sample {
  readonly name: string;
  readonly title: string;
  readonly credit: string;
  readonly url: string;
  readonly small: string;
}

export const SAMPLES: readonly Sample[] = [
  {
    name: 'astronaut.png',
    title: 'Astronaut',
    credit: 'Eileen Collins, NASA, public domain',
    url: astronaut,
    small: astronautSmall,
  },
  {
    name: 'chelsea.png',
    title: 'Cat',
    credit: 'Chelsea, by Stefan van der Walt, CC0',
    url: chelsea,
    small: chelseaSmall,
  },
  {
    name: 'bird.png',
    title: 'Bird',
    credit: 'a crow, from Open Images, CC BY 2.0',
    url: bird,
    small: birdSmall,
  },
];
