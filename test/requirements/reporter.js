import { fileName, tagsOf, writeRecord } from './records.js';

/** For Jest: writes down what became of the tests that carry ids of requirements (see requirements.js). */
export default class RequirementsReporter {
  constructor({ testNamePattern }) {
    // A run of some tests of a file says nothing about the others.
    this.isPartial = Boolean(testNamePattern);
  }

  async onRunComplete(_contexts, { testResults }) {
    if (this.isPartial) return;
    // A file may have run in several projects.
    const files = new Map(testResults.map(({ testFilePath }) => [testFilePath, []]));
    for (const { testFilePath, testResults: tests } of testResults) files.get(testFilePath).push(...tests);
    await Promise.all([...files].map(([path, tests]) => writeRecord(fileName(path), taggedOf(tests))));
  }
}

function taggedOf(tests) {
  const found = new Map();
  for (const { ancestorTitles, title, status, location } of tests) {
    const path = [...ancestorTitles, title];
    if (tagsOf(path.join(' ')).length === 0) continue;
    const key = path.join('\n');
    const { status: before = 'passed' } = found.get(key) ?? {};
    found.set(key, { path, line: location?.line ?? 0, status: before === 'passed' ? status : before });
  }
  return [...found.values()];
}
