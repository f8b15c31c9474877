import { compactSubjects, renderSubjects } from './subjects.js';

export const compact = (result) => ({ ...compactSubjects(result), versions: result.versions ?? {} });

export function render({ subjects, versions }) {
  const title = 'Other libraries: throughput, as a part of the bare framework’s';
  const { text, charts } = renderSubjects({ name: 'peers', title, subjects });
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const sentence = packages.length > 0 ? `\n\nVersions: ${packages.join(', ')}.` : '';
  return { text: text + sentence, charts };
}
