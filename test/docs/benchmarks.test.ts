import { readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { format, resolveConfig } from 'prettier';
import { read, ROOT } from './snippets.js';

type Results = Readonly<Record<string, unknown>>;

interface PublishTool {
  render(page: string, results: Results): { readonly page: string; readonly charts: Readonly<Record<string, string>> };
  published(result: unknown): unknown;
}

// Plain JavaScript: `npm run bench:publish` has nothing to compile.
const [pageTool, publishedTool] = ['../../bench/charts/page.js', '../../bench/charts/published.js'];
const { render, published } = { ...(await import(pageTool)), ...(await import(publishedTool)) } as PublishTool;

const PAGE = 'docs/benchmarks.md';
const PUBLIC = 'docs/public/benchmarks';

const publishedResults = (): Results => JSON.parse(read(`${PUBLIC}/results.json`)) as Results;

const place = (name: string): string => `<!-- bench:${name} -->\n<!-- /bench:${name} -->\n`;

/** Results as `npm run bench` writes them. */
function measured(scenario: string, figures: object): unknown {
  return {
    scenario,
    machine: {
      measuredAt: '2026-01-02T03:04:05.678Z',
      cpu: 'A <fast> one',
      cores: 2,
      memoryBytes: 2 ** 34,
      loadBefore: 0.1,
      node: 'v20.19.0',
      redis: '7.0.15',
    },
    options: { only: '', rounds: 5, seconds: 5, trials: 100 },
    ...figures,
  };
}

/** Two rounds of two subjects, and a target that is missed. */
function missed(): Results {
  const round = (requestsPerSecond: number): object => ({
    requestsPerSecond,
    cpuUsPerRequest: 1e6 / requestsPerSecond,
  });
  const spread = { median: 0.55, min: 0.5, max: 0.6 };
  const targets = [
    { what: 'express redis', of: 'express bare', atLeast: 0.95, unit: 'ratio', measured: spread, met: false },
  ];
  const rounds = { 'express redis': [round(500), round(600)], 'express bare': [round(1000), round(1000)] };
  return { requests: published(measured('requests', { targets, measured: rounds })) };
}

/** One small result of each scenario, of figures that nobody has measured. */
function oneOfEach(): Results {
  const all = JSON.parse(read('test/docs/benchmarks.results.json')) as Readonly<Record<string, object>>;
  return Object.fromEntries(Object.entries(all).map(([name, figures]) => [name, published(measured(name, figures))]));
}

describe('the page of benchmarks', () => {
  it('is what the published results say: npm run bench:publish -- --render writes it', async () => {
    const { page } = render(read(PAGE), publishedResults());
    const config = await resolveConfig(`${ROOT}${PAGE}`);
    expect(read(PAGE)).toBe(await format(page, { ...config, parser: 'markdown' }));
  });

  it('has the charts that the published results make, and no others', () => {
    const { charts } = render(read(PAGE), publishedResults());
    const files = readdirSync(posix.join(ROOT, PUBLIC)).filter((name) => name.endsWith('.svg'));
    const written = files.map((name) => [name.slice(0, -'.svg'.length), read(`${PUBLIC}/${name}`)]);
    expect(Object.fromEntries(written)).toEqual(charts);
  });

  it('comes from results that are small enough to be kept with it', () => {
    expect(read(`${PUBLIC}/results.json`).length).toBeLessThan(60_000);
  });

  it('shows a target that is missed as missed', () => {
    const { page } = render(place('targets') + place('requests'), missed());
    expect(page).toContain('0 of 1 targets are met.');
    expect(page).toContain('| express redis | express bare | ≥ 0.95 | 0.55 (0.50–0.60) | **no** |');
  });

  it('shows a subject as a part of its bare framework, round by round', () => {
    const { page, charts } = render(place('targets') + place('requests'), missed());
    expect(page).toContain('| nest-oidc: express redis | 0.55 (0.50–0.60) | 1.83 (1.67–2.00) |');
    expect(charts['requests']).toContain('>55 %</text>');
  });

  it('says where and when, and whether it was only a trial', () => {
    const result = missed()['requests'] as { readonly options: object };
    const of = (options: object): string =>
      render(place('targets') + place('requests'), { requests: { ...result, options } }).page;
    expect(of(result.options)).toContain(
      'Measured 2026-01-02 03:04 UTC on A <fast> one, 2 cores, 16 GB; Node.js 20.19.0',
    );
    expect(of(result.options)).not.toContain('short trial');
    expect(of({ ...result.options, rounds: 2 })).toContain('**A short trial, no official run.**');
  });

  it('says of a scenario that nobody has measured that it was not measured', () => {
    expect(render(place('targets') + place('requests'), {}).page.match(/Not measured yet\./gu)).toHaveLength(2);
  });

  it('has a place for every scenario', () => {
    expect(() => render(place('targets'), missed())).toThrow('no place for requests');
  });
});

describe('the results of a scenario', () => {
  const results = oneOfEach();
  const { page, charts } = render(Object.keys(results).map(place).join('') + place('targets'), results);

  it.each(Object.keys(results))('can be shown: %s', (name) => {
    const [, part = ''] = page.split(`<!-- bench:${name} -->`);
    const [shown = ''] = part.split(`<!-- /bench:${name} -->`);
    expect(shown).toContain('| --- |');
    expect(shown).toContain('Measured 2026-01-02');
    expect(shown).not.toMatch(/NaN|undefined|Infinity|\[object/u);
  });

  it.each(Object.entries(charts))('are read out in the chart %s, which is readable in light and dark', (_name, svg) => {
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="title description">/u);
    expect(svg).toMatch(/<title id="title">[^<]+<\/title>\n<desc id="description">[^<]+<\/desc>/u);
    expect(svg).toContain('@media (prefers-color-scheme: dark)');
    expect(svg).not.toMatch(/NaN|undefined|Infinity|\[object/u);
  });
});
