import { compactSubjects, subjectsChart, subjectsTable } from './subjects.js';

export const compact = compactSubjects;

export function render({ subjects }) {
  const { text, charts } = subjectsChart({
    name: 'requests',
    title: 'A request with a good session: throughput, as a part of the bare framework’s',
    subjects,
    groupOf: ({ name }) => (name.startsWith('fastify') ? 'Nest on Fastify' : 'Nest on Express'),
  });
  return { text: [text, subjectsTable(subjects)].filter(Boolean).join('\n\n'), charts };
}
