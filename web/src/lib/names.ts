/** Labels of models as people write them; labels are upper-case constants in most models. */
const WRITTEN: Readonly<Record<string, string>> = {
  AEROPLANE: 'Aeroplane',
  DININGTABLE: 'Dining table',
  POTTEDPLANT: 'Potted plant',
  TVMONITOR: 'TV or monitor',
  FOREGROUND: 'Subject',
};

/** How the page calls a class. Labels that aren't all upper case were written by somebody who meant them so. */
export function classTitle(label: string): string {
  const known = WRITTEN[label];
  if (known !== undefined) return known;
  if (label !== label.toUpperCase()) return label;
  const words = label.replaceAll('_', ' ').trim().toLowerCase();
  return words === '' ? 'Unnamed' : words.charAt(0).toUpperCase() + words.slice(1);
}

/** The class that is nothing of interest, if the model has one. */
export function backgroundOf(labels: readonly string[]): number | undefined {
  const found = labels.findIndex((label) => /^_*background_*$/i.test(label));
  return found < 0 ? undefined : found;
}
