import { describe, expect, it } from '@jest/globals';
import { sequenceDiagram } from '../../docs/.vitepress/sequence-diagram.js';

const diagram = (...lines: string[]): string =>
  sequenceDiagram(['sequenceDiagram', 'participant A as Application', 'participant S as Store', ...lines].join('\n'));

describe('a sequence diagram', () => {
  it('shows participants, messages, answers, notes and conditions', () => {
    const svg = diagram(
      'A->>S: read',
      'S-->>A: <sealed>',
      'alt found',
      'A->>A: go on',
      'else gone',
      'Note over A,S: login',
      'end',
    );
    for (const text of ['Application', 'Store', 'read', '&lt;sealed&gt;', 'found', 'go on', 'gone', 'login']) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(svg.match(/class="answer"/gu)).toHaveLength(1);
  });

  it('breaks long texts into lines', () => {
    const svg = diagram('A->>S: a text that is much too long for the space between two participants');
    expect(svg).not.toContain('much too long for the space between two participants');
    expect(svg).toContain('a text');
  });

  it.each([
    ['a part of Mermaid that is not drawn', 'loop every minute'],
    ['a participant that is not there', 'A->>X: hello'],
    ['what ends a statement in Mermaid', 'A->>S: one; two'],
    ['an end of nothing', 'end'],
  ])('is refused with %s', (_what, line) => {
    expect(() => diagram(line)).toThrow();
  });

  it('is the only kind of diagram', () => {
    expect(() => sequenceDiagram('flowchart TD')).toThrow('Only sequence diagrams');
  });
});
