import { Controller, Param, Post, Redirect } from '@nestjs/common';
import { CurrentSession, SessionService, type Session } from 'nest-oidc';

interface Target {
  readonly url: string;
}

/** Forms of the dashboard, which work without scripts. The guard answers those of our own pages only. */
@Controller('sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionService) {}

  @Post('others/end')
  @Redirect('/dashboard', 303)
  async endOthers(@CurrentSession() session: Session): Promise<Target> {
    return dashboardAfter(await this.sessions.endOthers(session));
  }

  /** One of the user's own: with the id of somebody else's nothing happens. */
  @Post(':id/end')
  @Redirect('/dashboard', 303)
  async endOne(@CurrentSession() { sub }: Session, @Param('id') id: string): Promise<Target> {
    return dashboardAfter((await this.sessions.endOne(sub, id)) ? 1 : 0);
  }
}

function dashboardAfter(ended: number): Target {
  return { url: `/dashboard?ended=${ended}` };
}
