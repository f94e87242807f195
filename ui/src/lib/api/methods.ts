import type * as Dto from './dto';
import type { Account, Contact, Message, Nothing, Transfer } from './dto';

/**
 * What the page may ask, with the names of the headless interface (`account.create`), and a few of the
 * desktop's own (`pick_file`). A name's dots become underscores in the shell's commands.
 */
export interface Methods {
  'account.create': { params: Dto.CreateAccount; result: Account };
  'account.unlock': { params: Dto.UnlockAccount; result: Dto.Unlocked };
  'account.confirm_new': { params: Nothing; result: Nothing };
  'account.lock': { params: Nothing; result: Nothing };
  'account.touch': { params: Nothing; result: Nothing };
  'account.change_password': { params: Dto.ChangePassword; result: Nothing };
  'account.delete': { params: Dto.DeleteAccount; result: Nothing };
  'account.export': { params: Dto.ExportAccount; result: Nothing };
  'account.import': { params: Dto.ImportAccount; result: Dto.Unlocked };
  'account.start_over': { params: Dto.UnlockAccount; result: Dto.Unlocked };
  'account.status': { params: Nothing; result: Dto.AccountStatus };
  'account.suggest_passphrase': { params: Nothing; result: Dto.Suggestion };
  'account.password_strength': { params: Dto.CheckPassword; result: Dto.PasswordStrength };

  'contact.add': { params: Dto.AddContact; result: Contact };
  'contact.list': { params: Nothing; result: Contact[] };
  'contact.accept': { params: Dto.ContactAddress; result: Contact };
  'contact.decline': { params: Dto.ContactAddress; result: Contact };
  'contact.block': { params: Dto.ContactAddress; result: Contact };
  'contact.unblock': { params: Dto.ContactAddress; result: Contact };
  'contact.remove': { params: Dto.ContactAddress; result: Nothing };
  'contact.rename': { params: Dto.RenameContact; result: Contact };
  'contact.verify': { params: Dto.VerifyContact; result: Contact };
  'contact.invite': { params: Dto.MakeInvite; result: Dto.Invite };
  'contact.invites': { params: Nothing; result: Dto.OpenInvite[] };
  'contact.revoke_invite': { params: Dto.InviteRef; result: Nothing };

  'message.send': { params: Dto.SendMessage; result: Dto.Sent };
  'message.list': { params: Dto.ListMessages; result: Dto.MessagePage };
  'message.search': { params: Dto.SearchMessages; result: Dto.MessagePage };
  'message.mark_read': { params: Dto.MarkRead; result: Nothing };
  'message.delete': { params: Dto.DeleteMessage; result: Nothing };
  'message.edit': { params: Dto.EditMessage; result: Message };
  'message.react': { params: Dto.ReactToMessage; result: Message };
  'message.explain': { params: Dto.MessageRef; result: Dto.StepRecord[] };

  'file.send': { params: Dto.SendFile; result: Transfer };
  'file.put_bytes': { params: Dto.PutBytes; result: Dto.Upload };
  'file.send_bytes': { params: Dto.SendBytes; result: Transfer };
  'file.accept': { params: Dto.AcceptFile; result: Transfer };
  'file.decline': { params: Dto.TransferRef; result: Transfer };
  'file.pause': { params: Dto.TransferRef; result: Transfer };
  'file.resume': { params: Dto.TransferRef; result: Transfer };
  'file.cancel': { params: Dto.TransferRef; result: Transfer };
  'file.save': { params: Dto.SaveFile; result: Nothing };
  'file.read': { params: Dto.ReadFile; result: Dto.FilePart };
  'file.thumbnail': { params: Dto.TransferRef; result: Dto.Thumbnail };
  'file.list': { params: Dto.ListFiles; result: Transfer[] };

  'conversation.set': { params: Dto.SetConversation; result: Dto.ConversationSettings };
  'conversation.draft': { params: Dto.KeepDraft; result: Dto.Draft };
  'conversation.typing': { params: Dto.ConversationRef; result: Nothing };

  'network.status': { params: Nothing; result: Dto.NetworkStatus };
  'network.add_peer': { params: Dto.AddPeer; result: Nothing };
  'settings.get': { params: Nothing; result: Dto.Settings };
  'settings.set': { params: Dto.SettingsChange; result: Dto.Settings };

  app_info: { params: Nothing; result: Dto.AppInfo };
  sandbox_start: { params: Nothing; result: Account };
  sandbox_stop: { params: Nothing; result: Nothing };
  pick_file: { params: Nothing; result: Dto.PickedFile | null };
  pick_save: { params: Dto.SuggestedName; result: string | null };
  clipboard_copy: { params: Dto.CopyText; result: Nothing };
  open_link: { params: Dto.OpenLink; result: Nothing };
  shell_get: { params: Nothing; result: Dto.ShellSettings };
  shell_set: { params: Dto.ShellChange; result: Dto.ShellSettings };
  shell_words: { params: Dto.ShellWords; result: Nothing };
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];
