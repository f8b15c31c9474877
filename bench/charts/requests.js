import { compactSubjects, renderSubjects } from './subjects.js';

export const compact = compactSubjects;

export function render({ subjects }) {
  const title = 'A request with a good session: throughput, as a part of the bare framework’s';
  return renderSubjects({ name: 'requests', title, subjects });
}
