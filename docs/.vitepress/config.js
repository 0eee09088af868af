// The documentation as a site. `npm run docs` builds it into docs/.vitepress/dist and checks its links.
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files of the repository that pages link to. They are copied into the site as text. */
const sources = new Set();

/** The address of a copied file. `.txt` makes a browser show it instead of saving it. */
function sourceUrl(href, page) {
  const path = posix.join('docs', posix.dirname(page), href);
  if (path.startsWith('docs/') || path.startsWith('..')) return href;
  if (!existsSync(join(root, path)) || statSync(join(root, path)).isDirectory()) {
    throw new Error(`docs/${page} links to ${path}, which is no file of the repository`);
  }
  sources.add(path);
  return `/source/${path}.txt`;
}

/** Rewrites links that leave docs/, which work in a clone, to the copies. */
function linkSources(md) {
  md.core.ruler.push('sources', ({ tokens, env }) => {
    const links = tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'link_open');
    for (const link of links) {
      const href = link.attrGet('href');
      if (href.startsWith('../')) link.attrSet('href', sourceUrl(href, env.relativePath));
    }
  });
}

/** Also the picture of the default site. */
function copySources({ outDir }) {
  cpSync(join(root, 'html', 'favicon.svg'), join(outDir, 'favicon.svg'));
  for (const path of sources) {
    const target = join(outDir, 'source', `${path}.txt`);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, path), target);
  }
}

/** Pages of wide tables: they get the room of the outline. */
const WIDE = ['options.md', 'models.md', 'conformance.md', 'faults.md', 'benchmarks.md', 'frameworks.md'];

const page = (text, name) => ({ text, link: `/${name}` });

const SIDEBAR = [
  {
    text: 'Start',
    items: [
      page('Getting started', 'getting-started'),
      page('Tutorial', 'tutorial'),
      page('Recipes', 'recipes'),
      page('Platforms', 'platforms'),
    ],
  },
  {
    text: 'Guide',
    items: [
      page('Static sites', 'static-sites'),
      page('Applications', 'applications'),
      page('Python', 'python'),
      page('From code', 'from-code'),
      page('Configuration', 'configuration'),
      page('Rules by path and host', 'rules'),
      page('HTTPS', 'tls'),
      page('Production', 'production'),
      page('Operations', 'operations'),
    ],
  },
  {
    text: 'Reference',
    items: [page('API', 'api'), page('Options', 'options'), page('Errors', 'errors')],
  },
  {
    text: 'Measure and test',
    items: [
      page('Comparing models', 'models'),
      page('Benchmarks', 'benchmarks'),
      page('Cost', 'cost'),
      page('Scale', 'scale'),
      page('Conformance', 'conformance'),
      page('Frameworks', 'frameworks'),
      page('Testing an application', 'testing'),
      page('Faults', 'faults'),
    ],
  },
];

export default {
  title: 'epoll-server',
  description: 'An HTTP/1.1 server for Node.js that owns its event loop.',
  cleanUrls: false,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' }]],
  markdown: { config: linkSources },
  buildEnd: copySources,
  transformPageData: ({ relativePath }) => (WIDE.includes(relativePath) ? { frontmatter: { aside: false } } : {}),
  locales: {
    root: { label: 'English', lang: 'en' },
    zh: {
      label: '中文',
      lang: 'zh-CN',
      description: '自带事件循环的 Node.js HTTP/1.1 服务器。',
      themeConfig: {
        nav: [
          { text: '教程', link: '/zh/tutorial' },
          { text: '英文文档', link: '/getting-started' },
        ],
        sidebar: [{ text: '中文', items: [page('首页', 'zh/'), page('教程', 'zh/tutorial')] }],
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        sidebarMenuLabel: '菜单',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '切换语言',
        skipToContentLabel: '跳到正文',
      },
    },
  },
  themeConfig: {
    logo: '/favicon.svg',
    // Only the tutorial is translated: the language menu leads to the start of the other language.
    i18nRouting: false,
    nav: [page('Getting started', 'getting-started'), page('API', 'api'), page('Options', 'options')],
    sidebar: SIDEBAR,
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        // Chinese has no spaces: each of its characters is a word. The site has this function as text.
        miniSearch: {
          options: {
            tokenize: (text) => text.match(/\p{Script=Han}|[^\s\p{Z}\p{P}\p{Script=Han}]+/gu) ?? [],
          },
        },
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索文档' },
              modal: {
                noResultsText: '没有结果：',
                resetButtonTitle: '清除',
                footer: { selectText: '打开', navigateText: '选择', closeText: '关闭' },
              },
            },
          },
        },
      },
    },
  },
};
