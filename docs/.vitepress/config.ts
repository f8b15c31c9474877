import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type DefaultTheme } from 'vitepress';
import { anchorOf, linkOnSite, repositoryUrl } from './links.js';
import { sequenceDiagram } from './sequence-diagram.js';

const DOCS = fileURLToPath(new URL('../', import.meta.url));

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

/** The pages of a folder, by the titles they have. Whoever adds one need not come here. */
function pagesOf(folder: string): DefaultTheme.SidebarItem[] {
  return readdirSync(join(DOCS, folder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md' && name !== 'index.md')
    .map((name) => page(titleOf(join(DOCS, folder, name)), `/${folder}/${name.slice(0, -'.md'.length)}`))
    .toSorted((left, right) => String(left.text).localeCompare(String(right.text)));
}

function titleOf(path: string): string {
  const title = /^# (?<title>.+)$/mu.exec(readFileSync(path, 'utf8'))?.groups?.['title'];
  if (title === undefined) throw new Error(`${path} has no title.`);
  return title.replaceAll('`', '');
}

const sidebar: DefaultTheme.SidebarItem[] = [
  { text: 'Start', items: [page('Quick start', '/quick-start'), page('The sample', '/sample'), page('FAQ', '/faq')] },
  {
    text: 'Concepts',
    items: [
      page('Login', '/concepts/login'),
      page('A request', '/concepts/request'),
      page('Refresh', '/concepts/refresh'),
      page('Logout', '/concepts/logout'),
      page('Back-channel logout', '/concepts/back-channel-logout'),
      page('Sessions and sealing', '/concepts/sessions'),
      page('Several processes', '/concepts/processes'),
    ],
  },
  { text: 'Recipes', collapsed: true, items: pagesOf('recipes') },
  { text: 'Providers', collapsed: true, link: '/providers/', items: pagesOf('providers') },
  { text: 'Migration', collapsed: true, link: '/migration/', items: pagesOf('migration') },
  {
    text: 'Reference',
    items: [
      page('Options', '/reference/options'),
      page('Errors', '/reference/errors'),
      page('Events', '/reference/events'),
      page('What it guarantees', '/guarantees'),
      page('Security', '/security'),
      page('Benchmarks', '/benchmarks'),
      page('What a million users cost', '/scale'),
    ],
  },
  {
    text: 'When something is wrong',
    items: [page('Troubleshooting', '/troubleshooting')],
  },
  { text: 'Other libraries', items: [page('Comparison', '/comparison'), page('Their defects', '/peers')] },
];

export default defineConfig({
  title: 'nest-oidc',
  description: 'OpenID Connect login for NestJS: sessions, tokens that stay fresh, and nobody logged out by accident.',
  base: process.env['DOCS_BASE'] ?? '/',
  cleanUrls: true,
  // On GitHub a folder shows its README.md, on a site its index.
  rewrites: (id: string) => id.replace(/README\.md$/u, 'index.md'),
  markdown: {
    anchor: { slugify: anchorOf },
    config(md) {
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, index, ...rest) => {
        const token = tokens[index];
        return token?.info.trim() === 'mermaid'
          ? sequenceDiagram(token.content)
          : (fence?.(tokens, index, ...rest) ?? '');
      };
      const open = md.renderer.rules.link_open;
      md.renderer.rules.link_open = (tokens, index, options, env, self) => {
        const token = tokens[index];
        const href = token?.attrGet('href');
        if (token && href) {
          const target = linkOnSite(href, env.relativePath);
          if (target === undefined) token.attrs = (token.attrs ?? []).filter(([name]) => name !== 'href');
          else token.attrSet('href', target);
        }
        return open?.(tokens, index, options, env, self) ?? self.renderToken(tokens, index, options);
      };
    },
  },
  themeConfig: {
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Options', link: '/reference/options' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
    ],
    sidebar,
    search: { provider: 'local' },
    outline: [2, 3],
    ...(repositoryUrl === undefined ? {} : { socialLinks: [{ icon: 'github', link: repositoryUrl }] }),
  },
});
