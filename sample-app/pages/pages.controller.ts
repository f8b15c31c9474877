import { Controller, Get, Header, Query } from '@nestjs/common';
import { CurrentSession, CurrentUser, OptionalAuth, SessionService, type Claims, type Session } from 'nest-oidc';
import { dashboardPage } from './dashboard.page.js';
import { homePage } from './home.page.js';

const HTML = 'text/html; charset=utf-8';

@Controller()
export class PagesController {
  constructor(private readonly sessions: SessionService) {}

  @Get()
  @OptionalAuth()
  @Header('Content-Type', HTML)
  home(@CurrentUser() user: Claims | undefined): string {
    return homePage(user);
  }

  @Get('dashboard')
  @Header('Content-Type', HTML)
  async dashboard(@CurrentSession() session: Session, @Query('ended') ended: unknown): Promise<string> {
    const sessions = await this.sessions.list(session.sub);
    return dashboardPage({ session, sessions, ended: countIn(ended) }, Date.now());
  }
}

/** Anybody can write an address: it may say a small number, and nothing else. */
function countIn(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,3}$/u.test(text) ? Number(text) : undefined;
}
