import { compactSubjects, renderSubjects } from './subjects.js';

export const compact = compactSubjects;

export function render({ subjects }) {
  const title = 'Other libraries: throughput, as a part of the bare framework’s';
  return renderSubjects({ name: 'peers', title, subjects });
}
