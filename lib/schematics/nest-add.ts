import { createRequire } from 'node:module';
import { TypeScriptSource, type Compiler } from './typescript-source.js';

/** As much of a tree of `@angular-devkit/schematics` as is needed. The library does not depend on it. */
export interface Tree {
  exists(path: string): boolean;
  readText(path: string): string;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
}

export interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
}

export interface NestAddOptions {
  readonly sourceRoot?: string;
}

const ENVIRONMENT = `# Copy this file to .env. More about it, and what else may be set: node_modules/nest-oidc/README.md
# Register http://localhost:3000/auth/callback as a redirect URI of this client.
OIDC_ISSUER=https://login.example.com
OIDC_CLIENT_ID=
OIDC_CLIENT_SECRET=

# In production these two must be set as well.
# BASE_URL=https://app.example.com
# SESSION_SECRET= # openssl rand -base64 48
`;

const PROFILE = `  @Get('profile')
  getProfile(@CurrentUser() user: Claims): Claims {
    return user; // for users only: every route is protected that is not @Public()
  }`;

/**
 * What `nest add nest-oidc` does: imports the module into AppModule, opens the first page to everybody and adds one for users,
 * loads `.env`, and lets the application shut down in order. What is there already stays.
 */
export function nestAdd({ sourceRoot = 'src' }: NestAddOptions): (tree: Tree, context: Context) => Tree {
  return (tree, { logger }) => {
    const ts = createRequire(`${process.cwd()}/package.json`)('typescript') as Compiler;
    const edit = (name: string, change: (source: TypeScriptSource) => boolean, byHand: string): void => {
      const path = `${sourceRoot}/${name}`;
      const text = tree.exists(path) ? tree.readText(path) : undefined;
      if (text?.includes('nest-oidc')) return;
      const source = new TypeScriptSource(ts, path, text ?? '');
      if (text !== undefined && change(source)) tree.overwrite(path, source.text);
      else logger.warn(`${path} is not as a new application has it. Please ${byHand}.`);
    };
    edit('app.module.ts', wireModule, 'add OidcModule.forEnv() to the imports of your root module');
    edit('app.controller.ts', openRoot, 'mark with @Public() the routes that everybody may open');
    editMain(tree, edit);
    addEnvironment(tree, '.env.example');
    logger.info('Every route needs a login now. Mark with @Public() those that need none: webhooks, health, metrics.');
    logger.info('Copy .env.example to .env and fill it in. Then: npx nest-oidc doctor --env-file .env');
    return tree;
  };
}

function addEnvironment(tree: Tree, path: string): void {
  if (!tree.exists(path)) return tree.create(path, ENVIRONMENT);
  const text = tree.readText(path);
  if (!text.includes('OIDC_ISSUER')) tree.overwrite(path, `${text.trimEnd()}\n\n${ENVIRONMENT}`);
}

function wireModule(source: TypeScriptSource): boolean {
  source.addImport(`import { OidcModule } from 'nest-oidc';`);
  return source.addModuleImport('OidcModule.forEnv()');
}

function openRoot(source: TypeScriptSource): boolean {
  source.addImport(`import { CurrentUser, Public, type Claims } from 'nest-oidc';`);
  source.addMember(PROFILE);
  return source.decorateRoot('@Public()');
}

type Edit = (name: string, change: (source: TypeScriptSource) => boolean, byHand: string) => void;

function editMain(tree: Tree, edit: Edit): void {
  // @nestjs/config reads .env by itself.
  const isRead = tree.exists('package.json') && tree.readText('package.json').includes('"@nestjs/config"');
  const load = isRead ? [] : [`if (existsSync('.env')) process.loadEnvFile();`];
  const byHand = 'call app.enableShutdownHooks(), and load .env before the application starts';
  edit(
    'main.ts',
    (source) => {
      if (!isRead) source.addImport(`import { existsSync } from 'node:fs';`);
      return source.surroundCreation(load, (app) => [
        `${app}.enableShutdownHooks(); // for nest-oidc: a refresh under way is finished before the process ends`,
      ]);
    },
    byHand,
  );
}
